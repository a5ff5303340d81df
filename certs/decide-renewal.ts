// SPDX-License-Identifier: Apache-2.0
import { coversNames, joinNames } from './names.ts';
import type { Authority, CertificateState, Pair } from './pair.ts';
import type { RenewalSettings } from './settings.ts';
import { authoritiesOf } from './state.ts';
import type { TimeSpan } from './time-span.ts';

/** All that one replica knows when it looks at the state that the replicas share. */
export interface RenewalFacts {
  /** As it was read from the store just now; nothing at all is `{ older: [] }`. */
  readonly stored: CertificateState;
  /** What this replica read or wrote last time. */
  readonly last: CertificateState;
  /** What this replica serves. */
  readonly served: Pair | undefined;
  /** Authorities of ours that clients were told to trust: what they say is left where the store was emptied. */
  readonly published: readonly Authority[];
  readonly now: TimeSpan;
  /** For how long this replica has seen an authority published everywhere, without a break until now; else 0. */
  readonly publishedForMs: (authority: Authority) => number;
  /** What clients ask for. */
  readonly names: readonly string[];
  readonly settings: RenewalSettings;
}

/** Why the state is to be written anew. */
const renewalActions = {
  create: 'there is no usable certificate anywhere',
  restore: 'the certificate that is being served vanished from the store, or was broken there',
  'publish-next': 'the certificate needs a successor, whose authority is to be published',
  switch: 'the authority of the successor has been published for long enough',
  'keep-authority': 'an authority that is not expired vanished from the store',
  drop: 'authorities expired',
} as const satisfies Record<string, string>;

export type RenewalAction = keyof typeof renewalActions;

/** What to write, with a fresh pair put in its place first if one is asked for; or for how long nothing is to be done. */
export type Decision =
  | { readonly action: 'keep'; readonly waitMs: number }
  | {
      readonly action: RenewalAction;
      readonly state: CertificateState;
      readonly fresh?: { readonly as: 'current' | 'next'; readonly names: readonly string[] };
    };

/**
 * The next step of a certificate's life. Every step is one write, and after each the process may die: what is there then
 * is again a state to decide about, by whichever replica. In order:
 *
 * 1. no intact certificate, or one from the past: the served one is put back, and gets a successor, since whoever deleted
 *    or broke the Secret may have wanted that; else the successor takes its place; else a new one is made;
 * 2. one that clients refuse for its names, and nothing better is served: likewise, at once;
 * 3. an authority that this replica knows of stays published until it expires, since some replica may still serve its
 *    pair;
 * 4. a successor is published when a third of the life is left, and takes over when it has been published for the
 *    overlap;
 * 5. expired authorities are dropped.
 */
export function decideRenewal(facts: RenewalFacts): Decision {
  return (
    replaceLost(facts) ??
    replaceRefused(facts) ??
    keepKnownAuthorities(facts) ??
    succeed(facts) ??
    dropExpired(facts) ?? { action: 'keep', waitMs: untilNextStepMs(facts) }
  );
}

/** Clients accept it, as far as the time is concerned. */
export function isIntact({ notBeforeMs, notAfterMs }: Pair, { earliestMs, latestMs }: TimeSpan): boolean {
  return notBeforeMs <= latestMs && earliestMs < notAfterMs;
}

function replaceLost(facts: RenewalFacts): Decision | undefined {
  const { stored, last, served, now, names } = facts;
  if (stored.current !== undefined && isIntact(stored.current, now) && !isRolledBack(facts)) return undefined;
  if (served !== undefined && isIntact(served, now)) {
    // Unless it is remembered, each deletion would make another successor, whose overlap would begin anew.
    const next = [stored.next, last.next].find((pair) => pair !== undefined && isFit(pair, facts));
    const state = { current: served, ...(next && { next }), older: olderOf(facts) };
    return { action: 'restore', state: tidy(state, now), ...(next === undefined && { fresh: { as: 'next', names } }) };
  }
  return (
    promoteNext(facts) ?? {
      action: 'create',
      state: tidy({ older: olderOf(facts) }, now),
      fresh: { as: 'current', names },
    }
  );
}

function replaceRefused(facts: RenewalFacts): Decision | undefined {
  const { stored, served, now, names } = facts;
  if (stored.current === undefined || coversNames(stored.current, names)) return undefined;
  if (served !== undefined && isIntact(served, now) && coversNames(served, names)) return undefined;
  const joined = joinNames(names, stored.current.names);
  return (
    promoteNext(facts) ?? {
      action: 'create',
      state: tidy({ older: olderOf(facts) }, now),
      fresh: { as: 'current', names: joined },
    }
  );
}

/** The successor at once: what it replaces is of no use to anybody, and its own authority is published or soon will be. */
function promoteNext(facts: RenewalFacts): Decision | undefined {
  const { stored, now, names } = facts;
  if (stored.next === undefined || !isIntact(stored.next, now) || !coversNames(stored.next, names)) return undefined;
  return { action: 'switch', state: tidy({ current: stored.next, older: olderOf(facts) }, now) };
}

function keepKnownAuthorities(facts: RenewalFacts): Decision | undefined {
  const { stored, served, now, settings } = facts;
  const isOwn = ({ pem }: Authority) => pem === served?.authority.pem;
  // What ends soon may have been dropped by a replica whose clock is ahead, and is not argued about.
  const isLasting = ({ notAfterMs }: Authority) => notAfterMs - settings.renewBeforeMs / 2 > now.latestMs;
  const kept = olderOf(facts).filter((authority) => isOwn(authority) || isLasting(authority));
  const state = tidy({ ...stored, older: [...stored.older, ...kept] }, now);
  const had = new Set(authoritiesOf(stored).map(({ pem }) => pem));
  return authoritiesOf(state).every(({ pem }) => had.has(pem)) ? undefined : { action: 'keep-authority', state };
}

function succeed(facts: RenewalFacts): Decision | undefined {
  const { stored, now, names, settings, publishedForMs } = facts;
  const { current, next } = stored;
  if (current === undefined) return undefined;
  if (next !== undefined && isFit(next, facts)) {
    if (publishedForMs(next.authority) < settings.overlapMs) return undefined;
    return { action: 'switch', state: tidy({ current: next, older: olderOf(facts) }, now) };
  }
  if (next === undefined && isFit(current, facts)) return undefined;
  // Names that another replica wants may be in either.
  const others = [current, next].filter((pair) => pair !== undefined && !coversNames(pair, names));
  const joined = joinNames(
    names,
    others.flatMap((pair) => pair?.names ?? []),
  );
  return {
    action: 'publish-next',
    state: tidy({ current, older: stored.older }, now),
    fresh: { as: 'next', names: others.length === 0 ? names : joined },
  };
}

function dropExpired({ stored, now }: RenewalFacts): Decision | undefined {
  const state = tidy(stored, now);
  return state.older.length < stored.older.length ? { action: 'drop', state } : undefined;
}

function untilNextStepMs({ stored, now, settings, publishedForMs }: RenewalFacts): number {
  const { current, next, older } = stored;
  const ends = older.map(({ notAfterMs }) => notAfterMs - now.earliestMs);
  if (current !== undefined) ends.push(current.notAfterMs - now.earliestMs);
  if (next !== undefined) ends.push(settings.overlapMs - publishedForMs(next.authority));
  else if (current !== undefined) ends.push(current.notAfterMs - settings.renewBeforeMs - now.latestMs);
  return Math.max(0, Math.min(...ends));
}

/** Good enough to be served for some time to come. */
function isFit(pair: Pair, facts: RenewalFacts): boolean {
  return isIntact(pair, facts.now) && !isDue(pair, facts) && coversNames(pair, facts.names);
}

/** In its last third. */
function isDue({ notAfterMs }: Pair, { now, settings }: RenewalFacts): boolean {
  return notAfterMs - settings.renewBeforeMs <= now.latestMs;
}

/** A certificate is never followed by one that is nearer to its end, unless somebody restored an old Secret. */
function isRolledBack(facts: RenewalFacts): boolean {
  const { stored, served } = facts;
  return stored.current !== undefined && isDue(stored.current, facts) && served !== undefined && isFit(served, facts);
}

/** Every authority whose pair some replica may serve. */
function olderOf({ stored, last, served, published }: RenewalFacts): readonly Authority[] {
  const own = served === undefined ? [] : [served.authority];
  return [...authoritiesOf(stored), ...authoritiesOf(last), ...own, ...published];
}

/** Without older authorities that expired, that stand there already, or that are too many. */
function tidy(state: CertificateState, { earliestMs }: TimeSpan): CertificateState {
  const { current, next } = state;
  const own = new Set([current?.authority.pem, next?.authority.pem]);
  const older = authoritiesOf({ older: state.older }).filter(
    ({ pem, notAfterMs }) => !own.has(pem) && earliestMs < notAfterMs,
  );
  return { ...state, older: older.toSorted((a, b) => a.notAfterMs - b.notAfterMs).slice(0, maxOlder) };
}

/** A renewal leaves one behind at a time. What hands added beyond that, and those last the longest, does not pile up. */
const maxOlder = 16;
