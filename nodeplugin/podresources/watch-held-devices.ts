// SPDX-License-Identifier: Apache-2.0

import { MacvtapError } from '../../runtime/errors.ts';
import {
  createHeldView,
  type HeldDevices,
  type HeldView,
  namesPod,
  type PodName,
  readHeldDevices,
} from './held-devices.ts';
import { connectPodResources, lookAtSocket, type PodResourcesClient, readSocketRun } from './pod-resources-client.ts';
import { shareCalls } from './share-calls.ts';

/** A watch of the devices that kubelet lists for pods. `current` is the input of `mayBeHeld`. */
export interface HeldDevicesWatch extends Pick<HeldView, 'current' | 'state' | 'onChange'>, AsyncDisposable {
  /**
   * Returns the answer to a request that starts after this call. Raises `PodResourcesSocketMissing`,
   * `PodResourcesUnavailable`, and `Aborted` if the signal aborts or the watch ends first.
   */
  refresh(signal?: AbortSignal): Promise<HeldDevices>;
  /**
   * Asks kubelet for one pod, and returns whether it lists the device for that pod. `false` only means that kubelet did
   * not confirm it: `refresh` may still find a holder. Does not change `current`. Raises `Aborted`.
   */
  confirm(id: string, pod: PodName, signal?: AbortSignal): Promise<boolean>;
  /**
   * Sends a request shortly after this call. It is called after an Allocate, so that the answer contains the new device
   * before the container runtime attaches the pod.
   */
  refreshSoon(): void;
}

export interface HeldWatchOptions {
  /** @example '/var/lib/kubelet/pod-resources/kubelet.sock' */
  readonly socketPath: string;
  /** @example 'macvtap.network.kubevirt.io/' */
  readonly resourcePrefix: string;
  /** The interval between requests. It is at most a second while the state is not `known`. */
  readonly refreshMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Kubelet's events. Each event causes a request. */
  readonly kubelet?: { subscribe(listener: () => void): Disposable } | undefined;
  /**
   * A pod that certainly runs on the node, for example this plugin's own. An answer without this pod counts as
   * incomplete.
   */
  readonly witness?: PodName | undefined;
  /** Called for each finished request, before `current` changes. */
  readonly onAnswer?: ((outcome: 'complete' | 'incomplete' | 'failed', answer?: HeldDevices) => void) | undefined;
  /** How long kubelet's answers count as incomplete after kubelet has started. */
  readonly kubeletSettleMs?: number | undefined;
}

/**
 * Keeps a view of the held devices. Kubelet's API has no watch. Requests are therefore sent when a caller needs a fresh
 * answer, after kubelet's events, and otherwise at a long interval. The answers have these properties:
 *
 * - A device is not listed during Allocate. It is listed when kubelet has recorded the answer of Allocate.
 * - A device is listed until kubelet counts its pod as ended. That is when the containers have ended, before CNI DEL.
 *   Kubelet before 1.34 also lists terminated pods (KubeletPodResourcesListUseActivePods), but without their devices.
 * - Kubelet serves the socket before it knows its pods. After its start, pods are missing in its answers until the API
 *   server has answered kubelet. `complete` is false during that time.
 * - Devices that only ordinary init containers request are never listed.
 */
export function watchHeldDevices(options: HeldWatchOptions): HeldDevicesWatch {
  const { socketPath, signal, refreshMs = defaultRefreshMs } = options;
  const closing = new AbortController();
  const stopping = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  const view = createHeldView();
  const kubelet = connectPodResources(socketPath);
  const ask = createQuestion(options, kubelet, view, stopping);
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;

  const look = async (): Promise<HeldDevices> => {
    lastMs = performance.now();
    try {
      const held = await ask();
      if (!stopping.aborted) {
        options.onAnswer?.(held.complete ? 'complete' : 'incomplete', held);
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
  // The error is in `state`.
  const wake = (): void => void calls.call().catch(() => {});
  const schedule = (): void => {
    clearTimeout(timer);
    timer = setTimeout(wake, view.state.phase === 'known' ? refreshMs : Math.min(refreshMs, unsettledMs));
  };
  const events = options.kubelet?.subscribe(wake);
  const end = (): void => {
    clearTimeout(timer);
    clearTimeout(soon);
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
    confirm: async (id, pod, given) => {
      const get = async () => await kubelet.get(pod, { timeoutMs: getTimeoutMs, signal: given ?? stopping });
      const found = await calls.single(get);
      return found !== undefined && readHeldDevices({ pod_resources: [found] }, options.resourcePrefix).has(id);
    },
    refreshSoon: () => {
      if (soon !== undefined || stopping.aborted) return;
      const lookSoon = (): void => {
        soon = undefined;
        wake();
      };
      soon = setTimeout(lookSoon, Math.max(soonMs, lastMs + soonIntervalMs - performance.now()));
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(givenUp(socketPath, undefined));
      await calls.idle();
      kubelet[Symbol.dispose]();
    },
  };
}

function createQuestion(
  options: HeldWatchOptions,
  kubelet: PodResourcesClient,
  view: HeldView,
  signal: AbortSignal,
): () => Promise<HeldDevices> {
  const { socketPath, resourcePrefix, timeoutMs, witness, kubeletSettleMs = defaultSettleMs } = options;
  const age = followKubeletAge(socketPath);
  return async () => {
    const askedAtMs = performance.now();
    const answer = await kubelet.list({ timeoutMs, signal });
    // The start time is read after the answer, so that the answer counts as incomplete if kubelet has just restarted.
    const startedAtMs = await age.startedAtMs();
    const isSettled = startedAtMs !== undefined && askedAtMs - startedAtMs >= kubeletSettleMs;
    const complete = isSettled && (witness === undefined || namesPod(answer, witness));
    const listed = readHeldDevices(answer, resourcePrefix);
    const devices = complete ? listed : new Map([...(view.current?.devices ?? []), ...listed]);
    return { devices, complete, askedAtMs };
  };
}

function givenUp(socketPath: string, cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', `the wait for kubelet's list of held devices on ${socketPath} was cancelled`, {
    cause,
  });
}

/**
 * The default for `refreshMs`. A release that is noticed late is harmless: a resource that was removed from the plan is
 * only served a little longer.
 */
const defaultRefreshMs = 10_000;

/**
 * How long `refreshSoon` waits. Kubelet records a device within a few milliseconds of Allocate's answer, and creates
 * the sandbox of the pod much later. One request then serves all devices of the pod.
 */
const soonMs = 10;

/**
 * The least interval between two requests of `refreshSoon`. They use at most half of `pace`, and leave the rest for
 * callers that wait.
 */
const soonIntervalMs = 100;

/** The interval between requests while kubelet is unavailable or has just started. */
const unsettledMs = 1_000;

/**
 * The default for `kubeletSettleMs`. Kubelet reads its first list of pods from the API server within a second or two of
 * its start. It then admits the pods one after another, in a few milliseconds each. A node has at most a few hundred
 * pods.
 */
const defaultSettleMs = 10_000;

/**
 * The limit for requests: about 20 per second, with bursts of four. Kubelet accepts 100 per second and bursts of ten
 * from all clients of the node together (pkg/kubelet/apis/podresources/constants.go, DefaultQPS and
 * DefaultBurstTokens).
 */
const pace = { calls: 4, ms: 200 } as const;

/**
 * The timeout of `confirm`. It is short, because the caller then waits for a list, and an ADD must end within seconds.
 */
const getTimeoutMs = 2_000;

/** The age of kubelet's current run, which is the run that created the current socket. */
export interface KubeletAge {
  /**
   * Returns the start of kubelet's current run, on the clock of `performance.now()`. Returns undefined without a
   * socket.
   */
  startedAtMs(): Promise<number | undefined>;
}

/**
 * Determines the age of kubelet's current run. Runs are distinguished by the socket that each run creates. A run that
 * exists at the first check is as old as its socket. For a later run, the age is the time since it was first seen. A
 * change of the wall clock can therefore not make a later run seem older than it is.
 */
export function followKubeletAge(socketPath: string): KubeletAge {
  let seen: { readonly run: string; readonly startedAtMs: number } | undefined;
  return {
    startedAtMs: async () => {
      const socket = lookAtSocket(socketPath);
      const run = readSocketRun(socketPath);
      if (socket === undefined || run === undefined) return undefined;
      if (seen?.run !== run) {
        const ageMs = seen === undefined ? Math.max(0, Date.now() - Number(socket.ctimeMs)) : 0;
        seen = { run, startedAtMs: performance.now() - ageMs };
      }
      return seen.startedAtMs;
    },
  };
}
