// SPDX-License-Identifier: Apache-2.0
import { checkClaimAdmitted } from '../../policy/pod/check-namespace-admitted.ts';
import { type ClaimKind, claimKey, claimsNamedBy, type KnownClaims } from '../../policy/pod/read-claims.ts';
import { isBeingDeleted, type PodObject } from '../../policy/pod/read-pod.ts';
import type { Endpoint } from '../admission/endpoint.ts';
import { cachedFacts, liveFacts, needLiveFacts, type RequestDeps, type ReviewDeps } from './review-facts.ts';

const paths = {
  ResourceClaim: '/validate/resourceclaims',
  ResourceClaimTemplate: '/validate/resourceclaimtemplates',
} as const satisfies Record<ClaimKind, string>;

/**
 * Validates a new ResourceClaim or ResourceClaimTemplate: its namespace must be allowed to use the resources whose
 * DeviceClasses it names. The API server also sends the claims that Kubernetes creates for pods, from templates or for
 * extended resources. So a claim of a pod that is older than a policy is checked against the policy.
 *
 * An update is not checked, because the requests of a claim or template are immutable.
 */
export function validateClaim(deps: ReviewDeps, kind: ClaimKind): Endpoint {
  return {
    path: paths[kind],
    kind,
    verb: 'validate',
    onFailure: 'refuse',
    handle({ object: claim, oldObject, namespace }, { lookups, client }) {
      if (claim === undefined || oldObject !== undefined || isBeingDeleted(claim)) return { verdicts: [] };
      const verdicts = checkClaimAdmitted(kind, claim, { ...cachedFacts(deps, namespace), namespace });
      if (!needLiveFacts(verdicts)) return { verdicts };
      const own = { ...deps, lookups: deps.lookups.of({ client, namespace }) };
      return liveFacts(own, namespace, lookups()).then((facts) => ({
        verdicts: checkClaimAdmitted(kind, claim, { ...facts, namespace }),
      }));
    },
  };
}

/**
 * The maximum number of claims to look up for one pod. A real pod names a few. Further claims were checked when they
 * were created, and the node plugin checks the namespace again when it prepares the claim. A pod that needs devices for
 * its networks is denied if it names more.
 */
const maxLookups = 16;

const none: KnownClaims = new Map();

/**
 * Returns the claims and templates that a pod names, up to a limit. No cache has them, because most claims are of other
 * drivers. The result is synchronous if there is nothing to look up, and undefined without DRA. Raises LookupFailed.
 */
export function findClaims(
  pod: PodObject,
  namespace: string,
  { dra }: Pick<RequestDeps, 'dra'>,
  own: () => Pick<RequestDeps, 'lookups'>,
  deadline: () => AbortSignal,
): KnownClaims | undefined | Promise<KnownClaims> {
  if (!dra) return undefined;
  const refs = new Map(claimsNamedBy(pod).map((ref) => [claimKey(ref), ref]));
  if (refs.size === 0) return none;
  const { lookups } = own();
  const signal = deadline();
  const reads = [...refs]
    .slice(0, maxLookups)
    .map(async ([key, { kind, name }]) => [key, await lookups.claim(kind, namespace, name, signal)] as const);
  return Promise.all(reads).then((found) => new Map<string, unknown>(found));
}
