// SPDX-License-Identifier: Apache-2.0
import { type CertificateEvent, createKeeper } from './certificate-keeper.ts';
import type { CertificateFault } from './faults.ts';
import { makePair } from './make-pair.ts';
import { createLookPlan } from './next-look.ts';
import { createListeners, type ServedCertificate, type ServedPair, toServedPair } from './served-certificate.ts';
import { type RenewalSettings, renewalSettings } from './settings.ts';
import { createSleeper } from './sleeper.ts';
import { decodeBundle, decodeState, encodeState } from './state-codec.ts';
import type { BundlePublisher, CertificateStore } from './store.ts';
import { type Clock, systemClock } from './time-span.ts';

export interface KeepCertificateOptions {
  readonly store: CertificateStore;
  readonly publisher: BundlePublisher;
  /** DNS names and addresses that clients ask for; see serviceNames. */
  readonly names: readonly string[];
  readonly settings?: Partial<RenewalSettings> | undefined;
  /** How often store and clients are looked at when nothing seems to happen there; default a minute. */
  readonly pollMs?: number | undefined;
  /** For everything that one look asks of store and clients; default 30 s. */
  readonly lookTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /**
   * Ends looking, also a look under way: whoever is told to end need not wait for store or clients, and may have no right
   * to them any more. What is loaded is served on until the end.
   */
  readonly signal?: AbortSignal | undefined;
  /** For log and metrics. */
  readonly onEvent?: ((event: CertificateEvent) => void) | undefined;
}

/**
 * Keeps the certificate of this replica in life: adopts what is in the store, makes it where nothing is, renews it and
 * brings its authorities to those who must trust it. Has looked once when it returns, successfully or not; while store
 * or clients cannot be reached, what is loaded is served on, and `faults` says why. Throws a RangeError for settings
 * that cannot work. Disposing of it waits for a step under way.
 */
export async function keepCertificate(options: KeepCertificateOptions): Promise<ServedCertificate> {
  const { store, publisher, pollMs = 60_000, lookTimeoutMs = 30_000, onEvent = () => undefined } = options;
  const keeper = createKeeper({
    store,
    publisher,
    names: options.names,
    settings: renewalSettings(options.settings),
    clock: options.clock ?? systemClock,
    makePair,
    codec: { encodeState, decodeState, decodeBundle },
    onEvent,
  });
  const closing = new AbortController();
  const ending = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const sleeper = createSleeper(ending);
  const listeners = createListeners();
  const plan = createLookPlan(pollMs);
  let current: ServedPair | undefined;
  let faults: readonly CertificateFault[] = [];

  const look = async () => {
    const outcome = await keeper.look(AbortSignal.any([ending, AbortSignal.timeout(lookTimeoutMs)]));
    // What was cut short by the end is no fault.
    if (ending.aborted) return outcome;
    const before = [current?.certPem, ...faults.map(({ message }) => message)].join();
    if (keeper.served?.certPem !== current?.certPem) current = keeper.served && toServedPair(keeper.served);
    faults = keeper.faults;
    if (before !== [current?.certPem, ...faults.map(({ message }) => message)].join()) listeners.notify();
    return outcome;
  };
  const run = async (first: Awaited<ReturnType<typeof look>>): Promise<void> => {
    let outcome = first;
    while (!ending.aborted) {
      const { waitMs, mayBeEarlier } = plan(outcome);
      await (mayBeEarlier ? sleeper.sleep(waitMs) : sleeper.sleepThrough(waitMs));
      if (!ending.aborted) outcome = await look();
    }
  };

  await using scope = new AsyncDisposableStack();
  scope.use(store.watch?.(() => sleeper.wake()));
  scope.use(publisher.watch?.(() => sleeper.wake()));
  const running = run(await look());
  scope.defer(() => running);
  scope.defer(() => closing.abort());
  const kept = scope.move();
  return {
    get current() {
      return current;
    },
    get faults() {
      return faults;
    },
    onChange: listeners.add,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
