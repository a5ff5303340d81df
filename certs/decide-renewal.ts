// SPDX-License-Identifier: Apache-2.0

import type { RenewalSettings, TimeSpan } from './certificate-state.ts';
import {
  type Authority,
  authoritiesOf,
  type CertificateState,
  coversNames,
  joinNames,
  type Pair,
} from './certificate-state.ts';

/** The facts from which a replica decides the next change of the shared state. */
export interface RenewalFacts {
  /** The state just read from the store; `{ older: [] }` if the store is empty. */
  readonly stored: CertificateState;
  /** The state that this replica last read or wrote. */
  readonly last: CertificateState;
  /** The pair that this replica serves. */
  readonly served: Pair | undefined;
  /**
   * The published CAs that this program made. If the store was emptied, only these show which CAs earlier pairs had.
   */
  readonly published: readonly Authority[];
  readonly now: TimeSpan;
  /**
   * Returns how long this replica has seen a CA published everywhere without interruption. Returns 0 if the CA is not
   * published.
   */
  readonly publishedForMs: (authority: Authority) => number;
  /** The names under which clients connect. */
  readonly names: readonly string[];
  readonly settings: RenewalSettings;
}

/** The possible changes of the stored state, with their reasons. */
const renewalActions = {
  create: 'there is no usable certificate anywhere',
  restore: 'the served certificate disappeared from the store, or is broken there',
  'publish-next': 'the certificate needs a successor, whose CA is published first',
  switch: 'the CA of the successor has been published for long enough',
  'keep-authority': 'a CA that has not expired disappeared from the store',
  drop: 'CAs expired',
} as const satisfies Record<string, string>;

export type RenewalAction = keyof typeof renewalActions;

/**
 * Either the state to write, or the time to wait. If `fresh` is set, a new pair is made and becomes `current` or `next`
 * of that state.
 */
export type Decision =
  | { readonly action: 'keep'; readonly waitMs: number }
  | {
      readonly action: RenewalAction;
      readonly state: CertificateState;
      readonly fresh?: { readonly as: 'current' | 'next'; readonly names: readonly string[] };
    };

/**
 * Decides the next step in the life of a certificate. Each step is one write. The process may die after any step: any
 * replica can then continue from the stored state. The first step that applies is chosen:
 *
 * 1. If the stored certificate is lost, broken or older than the served one, restore the served one. Also publish a
 *   successor, because the Secret may have been deleted to get a new certificate. If the served certificate is
 *   unusable, promote the successor. If there is no successor, make a new certificate.
 * 2. If neither the stored nor the served certificate has all wanted names, promote the successor or make a new
 *   certificate at once.
 * 3. If the store lacks a CA that this replica knows, add the CA again and keep it until it expires. A replica may
 *   still serve a certificate of that CA.
 * 4. If the certificate is due for renewal or lacks a wanted name, publish a successor. By default, it is due when a
 *    third of its life is left. Promote the successor when its CA has been published for `overlapMs`.
 * 5. If CAs have expired, remove them.
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

/** Returns whether the pair is valid at this time. */
export function isIntact({ notBeforeMs, notAfterMs }: Pair, { earliestMs, latestMs }: TimeSpan): boolean {
  return notBeforeMs <= latestMs && earliestMs < notAfterMs;
}

function replaceLost(facts: RenewalFacts): Decision | undefined {
  const { stored, last, served, now, names } = facts;
  if (stored.current !== undefined && isIntact(stored.current, now) && !isRolledBack(facts)) return undefined;
  if (served !== undefined && isIntact(served, now)) {
    // Reuse a known successor. Otherwise, each deletion of the Secret would create another successor, whose CA would
    // again have to be published for `overlapMs`.
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

/**
 * Promotes the successor at once, because the current pair is unusable or lacks a wanted name. The successor's CA is
 * already published, or will be soon.
 */
function promoteNext(facts: RenewalFacts): Decision | undefined {
  const { stored, now, names } = facts;
  if (stored.next === undefined || !isIntact(stored.next, now) || !coversNames(stored.next, names)) return undefined;
  return { action: 'switch', state: tidy({ current: stored.next, older: olderOf(facts) }, now) };
}

function keepKnownAuthorities(facts: RenewalFacts): Decision | undefined {
  const { stored, served, now, settings } = facts;
  const isOwn = ({ pem }: Authority) => pem === served?.authority.pem;
  // Do not restore a CA that expires soon. Another replica with a clock that is ahead may have removed it as expired.
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
  // Include the names of the current certificate and its successor, because another replica may want them.
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

/**
 * Returns whether the pair can be served for some time. It must be valid, have all wanted names, and not be due for
 * renewal.
 */
function isFit(pair: Pair, facts: RenewalFacts): boolean {
  return isIntact(pair, facts.now) && !isDue(pair, facts) && coversNames(pair, facts.names);
}

/** Returns whether the pair is due for renewal, by default in the last third of its life. */
function isDue({ notAfterMs }: Pair, { now, settings }: RenewalFacts): boolean {
  return notAfterMs - settings.renewBeforeMs <= now.latestMs;
}

/**
 * Returns whether an old Secret was restored: the stored certificate is due for renewal, but the served one is not. A
 * normal renewal never causes that.
 */
function isRolledBack(facts: RenewalFacts): boolean {
  const { stored, served } = facts;
  return stored.current !== undefined && isDue(stored.current, facts) && served !== undefined && isFit(served, facts);
}

/** Returns the CAs of all pairs that a replica may still serve. */
function olderOf({ stored, last, served, published }: RenewalFacts): readonly Authority[] {
  const own = served === undefined ? [] : [served.authority];
  return [...authoritiesOf(stored), ...authoritiesOf(last), ...own, ...published];
}

/** Removes older CAs that have expired, are duplicates, or exceed the limit. */
function tidy(state: CertificateState, { earliestMs }: TimeSpan): CertificateState {
  const { current, next } = state;
  const own = new Set([current?.authority.pem, next?.authority.pem]);
  const older = authoritiesOf({ older: state.older }).filter(
    ({ pem, notAfterMs }) => !own.has(pem) && earliestMs < notAfterMs,
  );
  return { ...state, older: older.toSorted((a, b) => a.notAfterMs - b.notAfterMs).slice(0, maxOlder) };
}

/** The maximum number of older CAs. Each renewal adds one. The limit also applies to CAs that people add. */
const maxOlder = 16;
