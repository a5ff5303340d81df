// SPDX-License-Identifier: Apache-2.0
import type { Lookups, Source } from '../../cluster/source.ts';
import type { NadContext } from '../../policy/nad/read-nad.ts';
import type { Offers } from '../../policy/offers/offers.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import type { ImplicitExposure } from '../../policy/plan/plan-node.ts';
import type { ReasonCode, Verdict } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LiveOffers } from './live-offers.ts';
import type { SharedLookups } from './share-lookups.ts';

/** The inputs of every review. */
export interface ReviewDeps {
  readonly source: Pick<Source, 'snapshot' | 'synced'>;
  readonly offers: Pick<LiveOffers, 'current' | 'withPolicies'>;
  /** Looks up objects that are not in the snapshot. */
  readonly lookups: SharedLookups;
  /** The installation's namespace. */
  readonly policyNamespace: string;
  /** Where Multus looks for a pod's default network. */
  readonly multusNamespace: string;
  readonly unknownResource: NadContext['unknownResource'];
  readonly exposure: ImplicitExposure | undefined;
  /** Whether nodes may use dynamic resource allocation, so that pods may get devices from claims. */
  readonly dra: boolean;
}

/** The inputs of one request. Its look-ups count against the budget of its client and namespace. */
export interface RequestDeps extends Omit<ReviewDeps, 'lookups'> {
  readonly lookups: Lookups;
}

/** The facts about networks and pods: the offers, and the labels of their namespace. */
export interface Facts {
  readonly offers: Offers;
  /** Undefined if the namespace is unknown. */
  readonly namespaceLabels: Labels | undefined;
}

/** Returns the cached facts, without I/O. */
export function cachedFacts({ source, offers }: Pick<ReviewDeps, 'source' | 'offers'>, namespace: string): Facts {
  return { offers: offers.current, namespaceLabels: source.snapshot.namespaces.get(namespace) };
}

/** Reads the facts from the API server with one list and one GET, in parallel. Raises LookupFailed. */
export async function liveFacts(
  { lookups, offers }: RequestDeps,
  namespace: string,
  signal: AbortSignal,
): Promise<Facts> {
  const [policies, namespaceLabels] = await Promise.all([
    lookups.policies(signal),
    lookups.namespace(namespace, signal),
  ]);
  return { offers: offers.withPolicies(policies), namespaceLabels };
}

/** Codes of denials that may be wrong, because the cache may lack a new policy or label. */
const reversible: ReadonlySet<ReasonCode> = new Set([
  'ResourceUnknown',
  'ResourceMissing',
  'ModeNotOffered',
  'NamespaceNotAdmitted',
  'NamespaceUnknown',
]);

/**
 * Returns whether verdicts from the cache must be checked with live facts before they are sent. That is the case for
 * denials that live facts could reverse. It is also the case for unknown resources, even if they only cause a warning.
 */
export function needLiveFacts(verdicts: readonly Verdict[]): boolean {
  return denyByStaleFacts(verdicts) || verdicts.some(({ code }) => code === 'ResourceUnknown');
}

/** Returns whether any verdict denies the object for a reason that live facts could reverse. */
export function denyByStaleFacts(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ code, severity }) => severity === 'deny' && reversible.has(code));
}

/**
 * Raises LookupFailed until the first sync of the cache, so that the client retries. Before that, the webhook does not
 * know the resources that nodes offer without a policy, because no look-up reads them.
 */
export function refuseUnlessSynced({ source }: Pick<ReviewDeps, 'source'>): void {
  if (source.synced) return;
  throw new MacvtapError(
    'LookupFailed',
    'this webhook just started and has not read the resources of the nodes yet; try again',
  );
}
