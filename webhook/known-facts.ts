// SPDX-License-Identifier: Apache-2.0
import type { Offers } from '../policy/offers/offers.ts';
import type { Labels } from '../policy/plan/match-labels.ts';
import type { ReasonCode, Verdict } from '../policy/reasons.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { ReviewDeps } from './review-deps.ts';

/** What networks and pods are judged by: what is offered, and who their namespace is. */
export interface Facts {
  readonly offers: Offers;
  /** Undefined where the namespace is not known. */
  readonly namespaceLabels: Labels | undefined;
}

/** What the cache knows: no I/O. */
export function cachedFacts({ source, offers }: ReviewDeps, namespace: string): Facts {
  return { offers: offers.current, namespaceLabels: source.snapshot.namespaces.get(namespace) };
}

/** What the cluster says now: one list and one GET, side by side. Raises LookupFailed. */
export async function liveFacts(
  { lookups, offers }: ReviewDeps,
  namespace: string,
  signal: AbortSignal,
): Promise<Facts> {
  const [policies, namespaceLabels] = await Promise.all([
    lookups.policies(signal),
    lookups.namespace(namespace, signal),
  ]);
  return { offers: offers.withPolicies(policies), namespaceLabels };
}

/** Denials that a policy or a label which the cache has not seen yet may turn. */
const turnable: ReadonlySet<ReasonCode> = new Set([
  'ResourceUnknown',
  'ResourceMissing',
  'ModeNotOffered',
  'NamespaceNotAdmitted',
  'NamespaceUnknown',
]);

/**
 * Whether the cluster must be asked before these verdicts may be told: for a denial that it may turn, and for a resource
 * that nobody offers, however mildly that is told.
 */
export function mayTurn(verdicts: readonly Verdict[]): boolean {
  return mayTurnDenial(verdicts) || verdicts.some(({ code }) => code === 'ResourceUnknown');
}

/** Whether they refuse for something that the cluster may turn. */
export function mayTurnDenial(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ code, severity }) => severity === 'deny' && turnable.has(code));
}

/**
 * Before the first sync what nodes offer by themselves is not known, and no live look-up tells it: who would be refused
 * for that is asked to try again. Raises LookupFailed.
 */
export function refuseUnlessSynced({ source }: ReviewDeps): void {
  if (source.synced) return;
  throw new MacvtapError(
    'LookupFailed',
    'what nodes offer was not read yet, since this webhook just started; try again',
  );
}
