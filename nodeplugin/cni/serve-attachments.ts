// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MacvtapError } from '../../runtime/errors.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import type { CNIContext } from './cni-context.ts';
import { handleRequest, type RequestFrame } from './handle-request.ts';
import { makeDirectory } from './make-directory.ts';
import { type AnsweredRequest, observeRequest } from './observe-request.ts';
import { forgetLostAttachments, restoreDevices } from './restore-devices.ts';
import { serveCNI } from './server.ts';
import { followTombstones, workOffTombstones } from './tombstones.ts';

export interface AttachmentsOptions {
  /** @example '/run/kube-macvtap/cni.sock' */
  readonly socketPath: string;
  readonly context: CNIContext;
  readonly held: Pick<HeldTracker, 'current' | 'mayBeHeld'>;
  /** False while kubelet has not said what pods hold: then nothing is restored nor taken for lost. */
  readonly isHeldKnown: () => boolean;
  /** How often the ledger is compared with what pods hold. */
  readonly lookMs: number;
  /** Each request that the plugin made, whatever came of it; a DEL out of a tombstone once it is done. */
  readonly onAnswered: (request: AnsweredRequest) => void;
  readonly onRestored: (devices: readonly string[]) => void;
  readonly onForgotten: (devices: readonly string[]) => void;
}

/** A DEL out of a tombstone is nobody's to wait for, and gives no tap away. */
const tombstoneDeadlineMs = 10_000;

/** For all that are there at the start: kubelet's devices are away until then. What is left is done beside all else. */
const atStartMs = 20_000;
const ownNoTap = async () => {};

/**
 * Attaches pods until disposed. What the shim left while nobody listened is done first, before this returns, as far as it
 * can be done in time: devices that kubelet gives out again should be free by then.
 */
export async function serveAttachments(options: AttachmentsOptions): Promise<AsyncDisposable> {
  const { socketPath, context, onAnswered } = options;
  await using undo = new AsyncDisposableStack();
  await makeOwnDirectory(dirname(socketPath));
  const tombstones = {
    directory: join(dirname(socketPath), 'tombstones'),
    handle: (request: RequestFrame) => {
      const signal = AbortSignal.timeout(tombstoneDeadlineMs);
      return observeRequest(
        request,
        (onFailure) => handleRequest(request, ownNoTap, context, signal, onFailure),
        // What fails is told below, with the file that it stays in.
        (answered) => answered.failure ?? onAnswered(answered),
      );
    },
    onFailure: context.onTrouble,
  };
  await workOffTombstones({ ...tombstones, signal: AbortSignal.timeout(atStartMs) });
  undo.use(followTombstones(tombstones));
  undo.use(compareWithHeld(options));
  // Last, so that it ends first: whatever else is under way may wait for a device that a request has.
  undo.use(
    await serveCNI({
      path: socketPath,
      handle: (request, own, signal) =>
        observeRequest(request, (onFailure) => handleRequest(request, own, context, signal, onFailure), onAnswered),
      onFailure: context.onTrouble,
    }),
  );
  const scope = undo.move();
  return { [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** On the host it is a directory of /run, which a reboot empties. Raises `CNISocketFailed`. */
async function makeOwnDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
  } catch (thrown) {
    const text = `cannot make the directory of the CNI plugin's socket: ${(thrown as Error).message}; see --cni-socket`;
    throw new MacvtapError('CNISocketFailed', text, { facts: { directory }, cause: thrown });
  }
}

/** Keeps the ledger's attachments in step with the pods that kubelet knows. */
function compareWithHeld(options: AttachmentsOptions): AsyncDisposable {
  const { held, isHeldKnown, lookMs, onRestored, onForgotten } = options;
  const stopping = new AbortController();
  const { context, nextLook } = tellOnce(options.context);
  const look = async (): Promise<void> => {
    nextLook();
    const missing = held.current().filter(({ id }) => context.ledger.get(id) === undefined);
    const restored = await restoreDevices(
      missing.map(({ id }) => id),
      context,
      stopping.signal,
    );
    if (restored.length > 0) onRestored(restored);
    const forgotten = await forgetLostAttachments(held.mayBeHeld, context, stopping.signal);
    if (forgotten.length > 0) onForgotten(forgotten);
  };
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      if (isHeldKnown()) await look().catch((thrown) => context.onTrouble(MacvtapError.from(thrown)));
      await sleep(lookMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('the node plugin ends'));
      await looking;
    },
  };
}

/** The same context, in which a trouble that each look meets again is told once for as long as it stays. */
function tellOnce(context: CNIContext): { readonly context: CNIContext; nextLook(): void } {
  let before = new Set<string>();
  let met = new Set<string>();
  const onTrouble = (error: MacvtapError): void => {
    if (!before.has(error.message) && !met.has(error.message)) context.onTrouble(error);
    met.add(error.message);
  };
  return {
    context: { ...context, onTrouble },
    nextLook() {
      before = met;
      met = new Set();
    },
  };
}
