// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { askPodResources } from './ask-pod-resources.ts';
import type { HeldDevices } from './held-devices.ts';
import { createHeldView, type HeldView } from './held-view.ts';
import { followKubeletAge } from './kubelet-age.ts';
import { namesPod, type PodName, readHeldDevices } from './read-held-devices.ts';
import { shareCalls } from './share-calls.ts';

/** The devices that pods hold, as kubelet says; `mayBeHeld` reads `current`. */
export interface HeldDevicesWatch extends Pick<HeldView, 'current' | 'state' | 'onChange'>, AsyncDisposable {
  /**
   * The answer to a question that is asked from now on. Raises `PodResourcesSocketMissing`, `PodResourcesUnavailable`;
   * `Aborted` when the signal or the watch ends first.
   */
  refresh(signal?: AbortSignal): Promise<HeldDevices>;
}

export interface HeldWatchOptions {
  /** @example '/var/lib/kubelet/pod-resources/kubelet.sock' */
  readonly socketPath: string;
  /** @example 'macvtap.network.kubevirt.io/' */
  readonly resourcePrefix: string;
  /** Asked again after so long, and after a second at most while the state is not `known`. */
  readonly refreshMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What happens to kubelet: asked right after each event. */
  readonly kubelet?: { subscribe(listener: () => void): Disposable } | undefined;
  /** A pod that is on the node for certain, such as this plugin's own: an answer without it is not complete. */
  readonly witness?: PodName | undefined;
  /** Told of each question that was not given up. */
  readonly onAnswer?: ((outcome: 'complete' | 'incomplete' | 'failed') => void) | undefined;
  /** How long a run of kubelet is too young for complete answers. */
  readonly kubeletSettleMs?: number | undefined;
}

/**
 * Keeps a view of the held devices. The API has no watch, so kubelet is asked when somebody wants a fresh answer, after
 * its events, and slowly otherwise. What a user of the view must know:
 *
 * - A device is listed once Allocate was answered and kubelet wrote it down, not while the call is under way.
 * - It is listed until kubelet takes its pod for ended, which is when the containers have, before CNI DEL. Kubelet before
 *   1.34 lists terminated pods too (KubeletPodResourcesListUseActivePods), but drops their devices as it answers.
 * - Kubelet serves the socket before it knows its pods: just after its start the answer is empty or lacks some, for as
 *   long as the API server does not answer it. Hence `complete`.
 * - Devices that only ordinary init containers ask for are never listed.
 */
export function watchHeldDevices(options: HeldWatchOptions): HeldDevicesWatch {
  const { socketPath, signal, refreshMs = defaultRefreshMs } = options;
  const closing = new AbortController();
  const stopping = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  const view = createHeldView();
  const ask = createQuestion(options, view, stopping);
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<HeldDevices> => {
    try {
      const held = await ask();
      if (!stopping.aborted) {
        options.onAnswer?.(held.complete ? 'complete' : 'incomplete');
        view.set(held);
      }
      return held;
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      if (!stopping.aborted) {
        options.onAnswer?.('failed');
        view.set(error);
      }
      throw error;
    } finally {
      if (!stopping.aborted) schedule();
    }
  };
  const calls = shareCalls(look, pace, stopping);
  // What fails is in the state.
  const wake = (): void => void calls.call().catch(() => {});
  const schedule = (): void => {
    clearTimeout(timer);
    timer = setTimeout(wake, view.state.phase === 'known' ? refreshMs : Math.min(refreshMs, unsettledMs));
  };
  const events = options.kubelet?.subscribe(wake);
  const end = (): void => {
    clearTimeout(timer);
    events?.[Symbol.dispose]();
  };
  stopping.addEventListener('abort', end, { once: true });
  if (stopping.aborted) end();
  else wake();

  return {
    get current() {
      return view.current;
    },
    get state() {
      return view.state;
    },
    onChange: view.onChange,
    refresh: async (given) => {
      try {
        return await calls.call(given);
      } catch (thrown) {
        throw given?.aborted || stopping.aborted ? givenUp(socketPath, thrown) : thrown;
      }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(givenUp(socketPath, undefined));
      await calls.idle();
    },
  };
}

function createQuestion(options: HeldWatchOptions, view: HeldView, signal: AbortSignal): () => Promise<HeldDevices> {
  const { socketPath, resourcePrefix, timeoutMs, witness, kubeletSettleMs = defaultSettleMs } = options;
  const age = followKubeletAge(socketPath);
  return async () => {
    const askedAtMs = performance.now();
    const answer = await askPodResources({ socketPath, timeoutMs, signal });
    // After the answer: if a new run made the socket meanwhile, the answer counts as young, whoever gave it.
    const startedAtMs = await age.startedAtMs();
    const isSettled = startedAtMs !== undefined && askedAtMs - startedAtMs >= kubeletSettleMs;
    const complete = isSettled && (witness === undefined || namesPod(answer, witness));
    const listed = readHeldDevices(answer, resourcePrefix);
    const devices = complete ? listed : new Map([...(view.current?.devices ?? []), ...listed]);
    return { devices, complete, askedAtMs };
  };
}

function givenUp(socketPath: string, cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', `waiting for what ${socketPath} says of held devices was given up`, { cause });
}

/** Releases are no emergency: a resource that drains is served so much longer. */
const defaultRefreshMs = 10_000;

/** While kubelet is away or young. */
const unsettledMs = 1_000;

/**
 * Kubelet takes its first list of pods from the API server within a second or two of its start and admits them one after
 * another, some milliseconds each; a node has at most some hundred.
 */
const defaultSettleMs = 10_000;

/**
 * Some 20 questions a second, a fifth of what kubelet answers all clients of the node together, and less than half of
 * them at once that it takes. Source: kubelet pkg/kubelet/apis/podresources/constants.go, DefaultQPS 100, DefaultBurstTokens 10.
 */
const pace = { calls: 4, ms: 200 } as const;
