// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createBackOff, waitForNews } from '../../runtime/pause.ts';
import { createDeviceList, type Device } from './device-list.ts';
import type { FailureListener } from './handle-call.ts';
import type { KubeletWatch } from './kubelet-watch.ts';
import { runRegistrationSession } from './registration-session.ts';
import type { DevicePluginHandlers } from './server.ts';

/** The state of a resource's registration. `lastError` remains after a success, for diagnosis. */
export interface ResourcePluginState {
  /** `waiting`: kubelet is unavailable, rejected the registration, or ended it. The plugin tries again. */
  readonly phase: 'starting' | 'registered' | 'waiting';
  readonly lastError?: MacvtapError | undefined;
}

/** The outcome of an attempt to register. `lost` follows `registered` when the registration has ended. */
export type RegistrationOutcome = 'registered' | 'failed' | 'lost';

export interface ResourcePluginOptions {
  /** The resource's name without the prefix. @example 'dataplane' */
  readonly name: string;
  readonly kubelet: KubeletWatch;
  readonly handlers: DevicePluginHandlers;
  readonly signal?: AbortSignal | undefined;
  /** Called at each change of the state, not at each attempt. */
  readonly onState?: ((state: ResourcePluginState) => void) | undefined;
  /** Called for each attempt to register, and for the end of a registration. */
  readonly onRegistration?: ((outcome: RegistrationOutcome) => void) | undefined;
  readonly onFailure?: FailureListener | undefined;
  readonly backOffMs?: ((failures: number) => number) | undefined;
  readonly createStartId?: (() => string) | undefined;
  readonly registerTimeoutMs?: number | undefined;
}

/** A resource that is registered again with each run of kubelet. */
export interface ResourcePlugin extends AsyncDisposable {
  /** @example 'macvtap.network.kubevirt.io/dataplane' */
  readonly resourceName: string;
  readonly state: ResourcePluginState;
  /** Replaces the resource's devices. Returns false if nothing changed. */
  setDevices(devices: readonly Device[]): boolean;
  /** Stops serving. `hasMoved` means that the node offers the resource by DRA from now on. */
  stop(hasMoved?: boolean): Promise<void>;
}

/**
 * Serves and registers a resource until stopped. Registers it again after each restart of kubelet. Never rejects:
 * errors are in `state`.
 */
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
  const running = runUntilStopped(options, resourceName, signal, setState, () => state);
  const stop = async (hasMoved = false): Promise<void> => {
    stopping.abort(new MacvtapError('Aborted', `${resourceName} is no longer served`));
    await running;
    if (hasMoved) await leaveToDra(options, resourceName);
  };
  return {
    resourceName,
    get state() {
      return state;
    },
    setDevices: (devices) => options.handlers.list.set(devices),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/**
 * Registers the resource once more without devices and without PreStartContainer, and ends at once. Kubelet keeps a
 * stopped plugin for five minutes (devicemanager/types.go, endpointStopGracePeriod). If that plugin required
 * PreStartContainer, kubelet would start no container whose devices with that resource name come from DRA. If kubelet
 * is absent or refuses, containers start after the five minutes, or after kubelet's restart.
 */
async function leaveToDra(options: ResourcePluginOptions, resourceName: string): Promise<void> {
  const { handlers, createStartId: startId = createStartId } = options;
  const done = new AbortController();
  await runRegistrationSession({
    ...options,
    resourceName,
    startId: startId(),
    handlers: { ...handlers, list: createDeviceList([]), options: { ...handlers.options, pre_start_required: false } },
    signal: AbortSignal.any([done.signal, AbortSignal.timeout(leaveMs)]),
    onRegistered: () => done.abort(new MacvtapError('Aborted', `${resourceName} is offered by DRA`)),
  });
}

/** The limit for the last registration. A node plugin that stops waits for it. */
const leaveMs = 5_000;

async function runUntilStopped(
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
    const error = await runRegistrationSession({
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

/** Waits before the next attempt: for `ms`, or until kubelet restarts. If kubelet was absent, waits until it starts. */
async function pause(kubelet: KubeletWatch, tried: string | undefined, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => {
    const { incarnation } = kubelet.sighting;
    if (incarnation !== undefined && incarnation !== tried) resolve();
  };
  using _ = kubelet.subscribe(wake);
  wake();
  await waitForNews(promise, tried === undefined ? undefined : ms, signal);
}

/**
 * The back-off between attempts. It is shorter than for the API server: kubelet is on the same node, and has few
 * resources to register.
 */
const backOffMs = createBackOff({ firstMs: 100, longestMs: 5_000 });

function createStartId(): string {
  return randomBytes(3).toString('hex');
}
