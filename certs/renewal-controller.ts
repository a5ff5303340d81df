// SPDX-License-Identifier: Apache-2.0
import {
  type Authority,
  bundleOf,
  type CertificateState,
  type Clock,
  coversNames,
  createTimeSpan,
  type Pair,
  type RenewalSettings,
} from './certificate-state.ts';
import type { BundlePublisher, CertificateStore, DecodedState, Publication, StateData } from './certificate-store.ts';
import { type Decision, decideRenewal, isIntact, type RenewalAction, type RenewalFacts } from './decide-renewal.ts';
import { type CertificateProblem, type CertificateProblemCode, certificateProblem } from './served-certificate.ts';
import type { PairRequest } from './serving-pair.ts';

export interface RenewalControllerOptions {
  readonly store: CertificateStore;
  readonly publisher: BundlePublisher;
  readonly names: readonly string[];
  readonly settings: RenewalSettings;
  readonly clock: Clock;
  readonly makePair: (request: PairRequest) => Promise<Pair>;
  readonly codec: {
    readonly encodeState: (state: CertificateState) => StateData;
    readonly decodeState: (data: StateData) => DecodedState;
    readonly decodeBundle: (bundle: string) => readonly Authority[];
  };
  /** Called with each event, for log and metrics. */
  readonly onEvent: (event: CertificateEvent) => void;
}

export interface CertificateEvent {
  readonly what: RenewalAction | 'publish' | 'serve';
  /** The pair that was made, became current, or is now served. */
  readonly pair: Pair | undefined;
}

/**
 * The outcome of a check.
 *
 * - `settled`: there is nothing to do for `waitMs`.
 * - `again`: something changed, so the next check follows at once.
 * - `failed`: the next check follows later.
 */
export type Outcome =
  | { readonly type: 'settled'; readonly waitMs: number }
  | { readonly type: 'again' }
  | { readonly type: 'failed' };

/** Renews the certificate for one replica. The caller calls `look` again and again. */
export interface RenewalController {
  readonly served: Pair | undefined;
  /** The problems of the last check. */
  readonly problems: readonly CertificateProblem[];
  /** Reads the store and the publisher, and takes at most one step. Never rejects. Only one call may run at a time. */
  look(signal: AbortSignal): Promise<Outcome>;
}

export function createRenewalController(options: RenewalControllerOptions): RenewalController {
  const { store, publisher, names, settings, clock, codec, onEvent } = options;
  const tracker = trackPublication(clock.steadyMs);
  const now = createTimeSpan(clock);
  let last: CertificateState = { older: [] };
  let served: Pair | undefined;
  let problems: readonly CertificateProblem[] = [];

  const look = async (signal: AbortSignal, report: Report): Promise<Outcome> => {
    // Read the publication before the store. Each replica writes to the store before it publishes, so the store is at
    // least as new as the publication that was read.
    const publication = await report('BundleNotPublished', () => publisher.read(signal));
    for (const problem of publication?.problems ?? [])
      await report('BundleNotPublished', () => Promise.reject(problem));
    tracker.note(publication);
    const read = await report('StoreUnavailable', async () => ({ stored: await store.read(signal) }));
    if (read === undefined) return { type: 'failed' };
    const { state: stored, problems: broken } = codec.decodeState(read.stored?.data ?? {});
    for (const problem of broken) await report('StateBroken', () => Promise.reject(problem));
    const { publishedForMs } = tracker;
    const published = codec.decodeBundle(publication?.bundles.join('') ?? '');
    const facts: RenewalFacts = { stored, last, served, published, now: now(), publishedForMs, names, settings };
    const decision = decideRenewal(facts);
    const step = await carryOut(decision, stored, read.stored?.version, signal, report);
    if (step === undefined || step === 'conflict') return { type: step === undefined ? 'failed' : 'again' };
    last = step;
    serve(chooseServed({ ...facts, stored: step }));
    const isPublished = publication && (await publish(publication, bundleOf(step), signal, report));
    if (isPublished === undefined) return { type: 'failed' };
    if (!isPublished || decision.action !== 'keep') return { type: 'again' };
    const isWhole = publication?.problems.length === 0;
    return { type: 'settled', waitMs: isWhole ? decision.waitMs : Math.min(decision.waitMs, missingMs) };
  };

  /**
   * Carries out a decision. Returns the state that the store now has, `conflict` if another replica was faster, or
   * undefined after a failure.
   */
  const carryOut = async (
    decision: Decision,
    stored: CertificateState,
    version: string | undefined,
    signal: AbortSignal,
    report: Report,
  ): Promise<CertificateState | 'conflict' | undefined> => {
    if (decision.action === 'keep') return stored;
    const { action, fresh } = decision;
    const pair = fresh && (await report('CertificateNotMade', () => options.makePair(request(fresh.names))));
    if (fresh !== undefined && pair === undefined) return undefined;
    const state = fresh ? { ...decision.state, [fresh.as]: pair } : decision.state;
    const result = await report('StoreUnavailable', () => store.write(codec.encodeState(state), version, signal));
    if (result !== 'written') return result;
    onEvent({ what: action, pair: pair ?? state.current });
    return state;
  };

  /**
   * Returns the request for a new pair. The validity begins one lifetime before now, so that clocks of clients and
   * replicas may be wrong by that much.
   */
  const request = (wanted: readonly string[]): PairRequest => {
    const { earliestMs, latestMs } = now();
    const { lifetimeMs } = settings;
    return { names: wanted, notBeforeMs: earliestMs - lifetimeMs, notAfterMs: latestMs + lifetimeMs };
  };

  const serve = (pair: Pair | undefined): void => {
    if (pair?.certPem === served?.certPem && pair?.keyPem === served?.keyPem) return;
    served = pair;
    onEvent({ what: 'serve', pair });
  };

  /**
   * Publishes the bundle. Returns true if the bundle was already published, false after a change or a conflict, or
   * undefined after a failure.
   */
  const publish = async (
    publication: Publication,
    bundle: string,
    signal: AbortSignal,
    report: Report,
  ): Promise<boolean | undefined> => {
    if (publication.bundles.every((published) => published === bundle)) return true;
    const result = await report('BundleNotPublished', () => publication.replace(bundle, signal));
    if (result === 'written') onEvent({ what: 'publish', pair: served });
    return result && false;
  };

  return {
    get served() {
      return served;
    },
    get problems() {
      return problems;
    },
    async look(signal) {
      const found: CertificateProblem[] = [];
      const outcome = await look(signal, async (code, attempt) => {
        try {
          return await attempt();
        } catch (thrown) {
          found.push(certificateProblem(code, thrown));
          return undefined;
        }
      });
      problems = found;
      return outcome;
    },
  };
}

/** How soon to check again while a place of publication is missing. */
const missingMs = 5_000;

/**
 * Runs `attempt` and returns its result. If it fails, records the failure as a problem of this check and returns
 * undefined.
 */
type Report = <Value>(code: CertificateProblemCode, attempt: () => Promise<Value>) => Promise<Value | undefined>;

/**
 * Chooses the pair that a replica serves from now on. While clients accept the served pair, the replica first waits
 * until it has itself seen the CA of the current pair published for `overlapMs`. A person or another replica may have
 * made a pair current too early. Without the wait, clients that do not know its CA yet would reject it.
 */
function chooseServed(facts: RenewalFacts): Pair | undefined {
  const { stored, served, now, names, publishedForMs, settings } = facts;
  const { current } = stored;
  if (current === undefined || served === undefined || current.certPem === served.certPem) return current ?? served;
  const isAccepted = (pair: Pair) => isIntact(pair, now) && coversNames(pair, names);
  if (!isAccepted(served)) return isIntact(current, now) || !isIntact(served, now) ? current : served;
  return isAccepted(current) && publishedForMs(current.authority) >= settings.overlapMs ? current : served;
}

/** Records since when each CA has been published everywhere. */
interface PublicationTracker {
  /** Records the publication that was just read, or undefined if reading it failed. */
  note(publication: Publication | undefined): void;
  /**
   * Returns how long the CA has been published without interruption. Returns 0 if the CA is not published, or the
   * publication is unreadable.
   */
  publishedForMs(authority: Authority): number;
}

/**
 * Creates a tracker that measures with the steady clock. When the version of the publication changes, all times
 * restart, because a CA may have been missing for a moment between two checks. A restart only delays the switch to the
 * next pair.
 */
function trackPublication(steadyMs: () => number): PublicationTracker {
  let seen: Publication | undefined;
  let sinceMs = 0;
  let isKnown = false;
  return {
    note(publication) {
      isKnown = publication?.problems.length === 0;
      if (publication === undefined) return;
      if (publication.version !== seen?.version) sinceMs = steadyMs();
      seen = publication;
    },
    publishedForMs({ pem }) {
      if (!isKnown || seen === undefined || seen.bundles.length === 0) return 0;
      return seen.bundles.every((bundle) => bundle.includes(pem.trim())) ? steadyMs() - sinceMs : 0;
    },
  };
}
