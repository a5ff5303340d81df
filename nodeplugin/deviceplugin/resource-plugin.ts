// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { backOffMs } from './back-off.ts';
import type { Device } from './device-list.ts';
import type { FailureListener } from './handle-call.ts';
import { holdRegistration } from './hold-registration.ts';
import type { KubeletWatch } from './kubelet-watch.ts';
import type { DevicePluginHandlers } from './server.ts';

/** Where a resource stands with kubelet. `lastError` stays after a success, for who asks what went wrong. */
export interface ResourcePluginState {
  /** `waiting`: kubelet is away, refuses, or has let go; it is tried again by itself. */
  readonly phase: 'starting' | 'registered' | 'waiting';
  readonly lastError?: MacvtapError | undefined;
}

/** What came of an attempt to register; `lost` follows `registered` when kubelet, or its run, has ended it. */
export type RegistrationOutcome = 'registered' | 'failed' | 'lost';

export interface ResourcePluginOptions {
  /** Without the prefix. @example 'dataplane' */
  readonly name: string;
  readonly kubelet: KubeletWatch;
  readonly handlers: DevicePluginHandlers;
  readonly signal?: AbortSignal | undefined;
  /** Told at each change of the state, not at each attempt. */
  readonly onState?: ((state: ResourcePluginState) => void) | undefined;
  /** Told of each attempt to register, and of the end of one that succeeded. */
  readonly onRegistration?: ((outcome: RegistrationOutcome) => void) | undefined;
  readonly onFailure?: FailureListener | undefined;
  readonly backOffMs?: ((failures: number) => number) | undefined;
  readonly createStartId?: (() => string) | undefined;
  readonly registerTimeoutMs?: number | undefined;
}

/** One resource on its way through the runs of kubelet. */
export interface ResourcePlugin extends AsyncDisposable {
  /** @example 'macvtap.network.kubevirt.io/dataplane' */
  readonly resourceName: string;
  readonly state: ResourcePluginState;
  /** False when nothing changed. */
  setDevices(devices: readonly Device[]): boolean;
  stop(): Promise<void>;
}

/** Serves and registers a resource, again after each restart of kubelet, until stopped. Never fails: see `state`. */
export function startResourcePlugin(options: ResourcePluginOptions): ResourcePlugin {
  const resourceName = `${resourcePrefix}${options.name}`;
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, ...(options.signal ? [options.signal] : [])]);
  let state: ResourcePluginState = { phase: 'starting' };
  const setState = (next: ResourcePluginState): void => {
    const known = next.phase === state.phase && next.lastError?.message === state.lastError?.message;
    state = next;
    if (!known) options.onState?.(next);
  };
  const running = live(options, resourceName, signal, setState, () => state);
  const stop = async (): Promise<void> => {
    stopping.abort(new MacvtapError('Aborted', `${resourceName} is no longer served`));
    await running;
  };
  return {
    resourceName,
    get state() {
      return state;
    },
    setDevices: (devices) => options.handlers.list.set(devices),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function live(
  options: ResourcePluginOptions,
  resourceName: string,
  signal: AbortSignal,
  setState: (state: ResourcePluginState) => void,
  getState: () => ResourcePluginState,
): Promise<void> {
  const { kubelet } = options;
  let failures = 0;
  while (!signal.aborted) {
    const tried = kubelet.sighting.incarnation;
    let isRegistered = false;
    const error = await holdRegistration({
      ...options,
      resourceName,
      signal,
      startId: (options.createStartId ?? createStartId)(),
      onRegistered: () => {
        failures = 0;
        isRegistered = true;
        options.onRegistration?.('registered');
        setState({ phase: 'registered', lastError: getState().lastError });
      },
    });
    if (signal.aborted) return;
    failures += 1;
    options.onRegistration?.(isRegistered ? 'lost' : 'failed');
    setState({ phase: 'waiting', lastError: error });
    await pause(kubelet, tried, (options.backOffMs ?? backOffMs)(failures), signal);
  }
}

/** Until the next attempt makes sense: a new run of kubelet at once, the same one after a while, none never. */
async function pause(kubelet: KubeletWatch, tried: string | undefined, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => {
    const { incarnation } = kubelet.sighting;
    if (incarnation !== undefined && incarnation !== tried) resolve();
  };
  using _ = kubelet.subscribe(wake);
  wake();
  const over = new AbortController();
  const waits = [promise, aborted(signal, over.signal)];
  if (tried !== undefined) waits.push(sleep(ms, undefined, { signal: over.signal }));
  await Promise.race(waits);
  over.abort();
  await Promise.allSettled(waits.slice(1));
}

async function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true, signal: over });
  over.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

function createStartId(): string {
  return randomBytes(3).toString('hex');
}
