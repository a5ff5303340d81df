// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { MacvtapError } from '../../runtime/errors.ts';
import { createSleeper } from '../../runtime/pause.ts';
import { isUnreachable, skipRepeatedErrors } from '../api/api-errors.ts';
import { backOffMs } from '../api/back-off.ts';
import type { ApiClient } from '../api/client.ts';
import { createTerms, type Duty } from './lease-duties.ts';
import { createLeaseStore, decideLease, type LeaseStore } from './lease-store.ts';

/** Shows whether this process is the leader of the replicas. */
interface Leader {
  /**
   * True while this process holds the Lease. It becomes false when, by the clock of this process, another candidate may
   * soon take the Lease.
   */
  readonly isHolder: boolean;
  /**
   * Runs a duty during each term, until the returned scope ends. The duty's signal aborts when this process loses or
   * releases the Lease. The Lease is released only after all duties have ended.
   */
  whileHeld(duty: Duty): Disposable;
}

/** A candidate for the Lease. Disposing of it releases the Lease. */
export interface LeaseCandidate extends Leader, AsyncDisposable {}

interface LeaseTimings {
  /** How long other candidates wait for a renewal before they take the Lease. */
  readonly durationMs: number;
  /** How often the holder renews the Lease. */
  readonly renewMs: number;
}

export interface LeaseCandidateOptions {
  readonly store: LeaseStore;
  /** Unique for each process, even for two runs in the same pod. */
  readonly identity: string;
  /** Aborting this signal releases the Lease. The process is then about to end, but may still do other work. */
  readonly signal: AbortSignal;
  readonly onHolder: (isHolder: boolean) => void;
  /**
   * Called with each error whose message differs from the previous one, and with undefined when the Lease works again.
   */
  readonly onState: (error: MacvtapError | undefined) => void;
  /** Called when a duty raises an error, which is a bug. The duty starts again in the next term. */
  readonly onBug: (error: MacvtapError) => void;
  readonly timings?: LeaseTimings;
}

/**
 * The lease duration of Kubernetes components (LeaseDuration in client-go's leader election). Renewals are less
 * frequent than in client-go.
 */
const defaults: LeaseTimings = { durationMs: 15_000, renewMs: 5_000 };

/**
 * The share of the duration after which this process considers an unrenewed Lease lost. The rest is a safety margin
 * before another candidate may take the Lease.
 */
const ownShare = 2 / 3;

const releaseTimeoutMs = 2_000;

/** The wait after another process wrote the Lease between the read and the write of this process. */
const conflictMs = 100;

export interface ProcessCandidateOptions extends Omit<LeaseCandidateOptions, 'store' | 'identity'> {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Competes for a Lease for this process. The identity is the name of the pod and a UUID, as in Kubernetes components.
 */
export function openLeaseCandidate({ client, namespace, name, ...rest }: ProcessCandidateOptions): LeaseCandidate {
  return runForLease({
    ...rest,
    store: createLeaseStore({ client, namespace, name }),
    identity: `${hostname()}_${randomUUID()}`,
  });
}

/**
 * Competes for a Lease until the returned scope or the signal ends. The candidate acquires a free or expired Lease and
 * renews it. At the end, it releases the Lease, so that another candidate can take over at once. While another
 * candidate holds the Lease, this one checks the Lease when it changes and when it would expire.
 */
export function runForLease(options: LeaseCandidateOptions): LeaseCandidate {
  const { store, identity, onState, timings: { durationMs, renewMs } = defaults } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, options.signal]);
  const terms = createTerms(options);
  let known: { readonly version: string; readonly seenMs: number } | undefined;
  /**
   * True after the first attempt to write the Lease, because a write may succeed without a response. The Lease must
   * then be released at the end.
   */
  let mayHold = false;
  const sleeper = createSleeper(signal);
  const setState = skipRepeatedErrors(onState);

  /** Acquires or renews the Lease if possible. Returns the wait until the next step. */
  const step = async (): Promise<number> => {
    const { record, version } = await store.read(signal);
    if (known?.version !== version) known = { version, seenMs: performance.now() };
    const decision = decideLease(record, { identity, unchangedMs: performance.now() - known.seenMs });
    if (decision.what === 'wait') {
      await terms.end();
      return decision.ms;
    }
    mayHold = true;
    const begunMs = performance.now();
    const now = new Date();
    const written = await store.write(
      {
        holder: identity,
        durationMs,
        transitions: decision.transitions,
        renewedAt: now,
        ...(decision.what === 'take' && { takenAt: now }),
      },
      version,
      signal,
    );
    if (written === 'conflict') return conflictMs;
    known = { version: written, seenMs: performance.now() };
    terms.extend(begunMs + durationMs * ownShare);
    return renewMs;
  };
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      let waitMs: number;
      try {
        waitMs = await step();
        failures = 0;
        setState(undefined);
      } catch (thrown) {
        if (signal.aborted) break;
        const error = MacvtapError.from(thrown);
        failures += 1;
        setState(error);
        waitMs = Math.min(backOffMs(failures, { isOutage: isUnreachable(error) }), renewMs);
      }
      await (terms.isHolder ? sleeper.sleepThrough(waitMs) : sleeper.sleep(waitMs));
    }
    await terms.end();
    if (mayHold) await release();
  };
  /** Releases the Lease. If the API server is unreachable, the other candidates must wait until the Lease expires. */
  const release = async (): Promise<void> => {
    const until = AbortSignal.timeout(releaseTimeoutMs);
    try {
      const { record, version } = await store.read(until);
      if (record.holder !== identity) return;
      await store.write({ ...record, holder: undefined, durationMs: 1_000, renewedAt: new Date() }, version, until);
    } catch {}
  };
  const watch = store.watch(sleeper.wake);
  const running = run();
  return {
    get isHolder() {
      return terms.isHolder;
    },
    whileHeld: (duty) => terms.add(duty),
    async [Symbol.asyncDispose]() {
      ending.abort();
      watch[Symbol.dispose]();
      await running;
    },
  };
}
