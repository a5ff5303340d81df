// SPDX-License-Identifier: Apache-2.0
import { chooseServed } from './choose-served.ts';
import { type Decision, decideRenewal, type RenewalAction, type RenewalFacts } from './decide-renewal.ts';
import { type CertificateFault, type CertificateFaultCode, certificateFault } from './faults.ts';
import type { PairRequest } from './make-pair.ts';
import type { Authority, CertificateState, Pair } from './pair.ts';
import type { RenewalSettings } from './settings.ts';
import { bundleOf } from './state.ts';
import type { DecodedState, StateData } from './state-codec.ts';
import type { BundlePublisher, CertificateStore, Publication } from './store.ts';
import { type Clock, createTimeSpan } from './time-span.ts';
import { trackPublication } from './track-publication.ts';

export interface KeeperOptions {
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
  /** For log and metrics. */
  readonly onEvent: (event: CertificateEvent) => void;
}

export interface CertificateEvent {
  readonly what: RenewalAction | 'publish' | 'serve';
  /** What was made, what is now current, or what is now served. */
  readonly pair: Pair | undefined;
}

/** How a look ended: all is done until then; something changed, look again at once; or something failed, look later. */
export type Outcome =
  | { readonly type: 'settled'; readonly waitMs: number }
  | { readonly type: 'again' }
  | { readonly type: 'failed' };

/** One replica's part in the life of the certificate, without the loop around it. */
export interface CertificateKeeper {
  readonly served: Pair | undefined;
  /** Of the last look. */
  readonly faults: readonly CertificateFault[];
  /** Looks at store and clients, does at most one step, and never throws. One look at a time. */
  look(signal: AbortSignal): Promise<Outcome>;
}

export function createKeeper(options: KeeperOptions): CertificateKeeper {
  const { store, publisher, names, settings, clock, codec, onEvent } = options;
  const tracker = trackPublication(clock.steadyMs);
  const now = createTimeSpan(clock);
  let last: CertificateState = { older: [] };
  let served: Pair | undefined;
  let faults: readonly CertificateFault[] = [];

  const look = async (signal: AbortSignal, report: Report): Promise<Outcome> => {
    // Clients before store: whoever published something newer than what is read here wrote it to the store before that.
    const publication = await report('BundleNotPublished', () => publisher.read(signal));
    for (const problem of publication?.problems ?? [])
      await report('BundleNotPublished', () => Promise.reject(problem));
    tracker.note(publication);
    const read = await report('StoreUnavailable', async () => ({ stored: await store.read(signal) }));
    if (read === undefined) return { type: 'failed' };
    const { state: stored, faults: broken } = codec.decodeState(read.stored?.data ?? {});
    for (const fault of broken) await report('StateBroken', () => Promise.reject(fault));
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

  /** The state that now is in the store; `conflict` where somebody else was faster. */
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

  /** Valid for a life before now as well as after: neither a client's clock nor ours need be right to less than that. */
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

  /** True where nothing had to be done, false after a change or a conflict. */
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
    get faults() {
      return faults;
    },
    async look(signal) {
      const found: CertificateFault[] = [];
      const outcome = await look(signal, async (code, attempt) => {
        try {
          return await attempt();
        } catch (thrown) {
          found.push(certificateFault(code, thrown));
          return undefined;
        }
      });
      faults = found;
      return outcome;
    },
  };
}

/** Until a place that should be there is looked for again, if nobody tells that it came. */
const missingMs = 5_000;

/** Tries something; a failure becomes a fault of this look, and undefined. */
type Report = <Value>(code: CertificateFaultCode, attempt: () => Promise<Value>) => Promise<Value | undefined>;
