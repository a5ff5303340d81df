// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isUnreachable } from '../api/is-unreachable.ts';
import { backOffMs } from '../api/pace.ts';
import { waitForNews } from '../api/wait-for-news.ts';
import { decideLease } from './decide-lease.ts';
import type { LeaseStore } from './lease-store.ts';
import { createTerms, type Duty } from './terms.ts';

/** Whether this process is the one of its replicas that does what only one may. */
interface Leader {
  /** True from the moment the Lease is taken until it must be taken for lost; by this process's own clock. */
  readonly isHolder: boolean;
  /**
   * Runs a duty whenever the Lease is held, now or later, until the returned scope ends. Its signal ends with the term;
   * the Lease is given back only when all duties have.
   */
  whileHeld(duty: Duty): Disposable;
}

/** A candidate for the Lease. Its end gives back what it holds. */
export interface LeaseKeeper extends Leader, AsyncDisposable {}

interface LeaseTimings {
  /** For so long the others wait for a sign of the holder. */
  readonly durationMs: number;
  /** So often it gives one. */
  readonly renewMs: number;
}

export interface LeaseKeeperOptions {
  readonly store: LeaseStore;
  /** Another one for each process, also for two runs of the same pod. */
  readonly identity: string;
  /** Gives the Lease back as soon as the process is to end, whatever it still does then. */
  readonly signal: AbortSignal;
  readonly onHolder: (isHolder: boolean) => void;
  /** Told of each failure with another text than the one before, and, without an error, when it works again. */
  readonly onState: (error: MacvtapError | undefined) => void;
  /** A duty that failed before its end is a bug; it begins again with the next term. */
  readonly onBug: (error: MacvtapError) => void;
  readonly timings?: LeaseTimings;
}

/** As Kubernetes' own components have them (LeaseDuration of client-go's leader election), with fewer writes. */
const defaults: LeaseTimings = { durationMs: 15_000, renewMs: 5_000 };

/** Of the duration: what then is not renewed counts as lost here, before anybody else may take it. */
const ownShare = 2 / 3;

const releaseTimeoutMs = 2_000;

/** Somebody else wrote between reading and writing. */
const conflictMs = 100;

/**
 * Stands for a Lease until its scope or the signal ends: takes it when nobody has it or its holder gives no sign, renews
 * it, and gives it back at the end so that another one takes over at once. Who stands by looks when the Lease changes and
 * when it would expire.
 */
export function keepLease(options: LeaseKeeperOptions): LeaseKeeper {
  const { store, identity, onState, timings: { durationMs, renewMs } = defaults } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, options.signal]);
  const terms = createTerms(options);
  let known: { readonly version: string; readonly seenMs: number } | undefined;
  /** Also where the answer to the writing never came. */
  let mayHold = false;
  let told: string | undefined;
  let news = Promise.withResolvers<void>();
  const wake = (): void => news.resolve();

  const tell = (error: MacvtapError | undefined): void => {
    if (error?.message !== told) onState(error);
    told = error?.message;
  };
  /** Returns how long to wait until the next look. */
  const look = async (): Promise<number> => {
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
      news = Promise.withResolvers();
      let waitMs: number;
      try {
        waitMs = await look();
        failures = 0;
        tell(undefined);
      } catch (thrown) {
        if (signal.aborted) break;
        const error = MacvtapError.from(thrown);
        failures += 1;
        tell(error);
        waitMs = Math.min(backOffMs(failures, { isOutage: isUnreachable(error) }), renewMs);
      }
      await waitForNews(terms.isHolder ? undefined : news.promise, waitMs, signal);
    }
    await terms.end();
    if (mayHold) await release();
  };
  /** At best: whoever cannot be told waits until the Lease expires. */
  const release = async (): Promise<void> => {
    const until = AbortSignal.timeout(releaseTimeoutMs);
    try {
      const { record, version } = await store.read(until);
      if (record.holder !== identity) return;
      await store.write({ ...record, holder: undefined, durationMs: 1_000, renewedAt: new Date() }, version, until);
    } catch {}
  };
  const watch = store.watch(wake);
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
