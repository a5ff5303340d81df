// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { admits, describeRequirements } from '../offers/policies-governing.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { type ClaimedDevices, type ClaimKind, devicesOfClaim } from './read-claims.ts';
import type { NamedResource } from './read-pod.ts';
import { claimedBy, describeNamed, namedResources, namesOf, type PodContext, type PodRule } from './rule.ts';

/**
 * The maximum number of comparisons for one pod. A pod can name tens of thousands of resources. Each is compared with
 * every glob of the policies that do not admit the pod's namespace. A real pod names only a few resources.
 */
const mostCompared = 20_000;

/**
 * Checks that every policy that governs a resource of the pod admits the pod's namespace. All of them must admit it,
 * since the pod's node is not known yet. The check also covers a resource that only a limit or request names, because
 * the pod would get a device of it.
 *
 * Only the text of policies decides which of them govern a resource, so a node's report cannot add or remove a denial.
 * If only a node's report connects a policy with the resource, the result is a warning. On that node, the node plugin
 * rejects the attachment.
 *
 * If the labels of the namespace are unknown, a policy with a namespaceSelector does not admit the namespace.
 *
 * Reads limits and requests of every container, claims, the networks' annotations and the policies' namespaceSelector.
 * Emits NamespaceNotAdmitted and NamespaceUnknown.
 */
export const checkNamespaceAdmitted: PodRule = (pod, context) => [
  ...checkResources(namedResources(pod, context), context),
  ...warnOpenClaims(claimedBy(pod, context), context),
];

/**
 * Checks a ResourceClaim or a ResourceClaimTemplate in the same way as a pod that requests its devices. If only CEL
 * expressions name the driver, the resource is not known before the allocation, so the result is a warning.
 */
export function checkClaimAdmitted(kind: ClaimKind, claim: unknown, context: ClaimContext): readonly Verdict[] {
  const devices = devicesOfClaim(kind, claim, () => namesOf(context.offers));
  const named = devices.flatMap(({ resource, path }) => (resource === undefined ? [] : [{ resource, path }]));
  return [...checkResources(named, context), ...warnOpenClaims(devices, context)];
}

/** The facts about the namespace of a pod or claim. */
export type ClaimContext = Pick<PodContext, 'namespace' | 'namespaceLabels' | 'offers'>;

function checkResources(resources: readonly NamedResource[], context: ClaimContext): readonly Verdict[] {
  const isRefusing = (policy: Policy): boolean => !admits(policy, context.namespaceLabels);
  const refusing = context.offers.governing.where(isRefusing);
  let compared = 0;
  return resources.flatMap((named) => {
    compared += refusing.compared;
    if (compared > mostCompared) {
      return [refuse(named, context, 'the pod names too many resources to compare with the policies')];
    }
    const governing = refusing.of(named.resource);
    const reported = reportedPolicies(named, context).filter(
      (policy) => isRefusing(policy) && !governing.includes(policy),
    );
    return [
      ...governing.map((policy) => refuse(named, context, describe(policy))),
      ...reported.map((policy) => {
        const detail = `${describeSubject(named, context)}: according to node reports, ${describe(policy)}`;
        const effect = 'on these nodes, the node plugin does not attach the pod';
        return warn('NamespaceNotAdmitted', named.path, `${detail}; ${effect}`);
      }),
    ];
  });
}

/** Warns about requests that may get devices of a resource that the namespace may not use. */
function warnOpenClaims(devices: readonly ClaimedDevices[], context: ClaimContext): readonly Verdict[] {
  const open = devices.filter(({ resource }) => resource === undefined);
  if (open.length === 0) return [];
  const refusing = context.offers.governing.where((policy) => !admits(policy, context.namespaceLabels));
  const names = refusing.names().slice(0, mostListed).join(', ');
  if (names === '') return [];
  const advice = `name a DeviceClass; for devices of resources such as ${names}, the node plugin refuses the claim`;
  return open.map(({ path }) =>
    warn(
      'NamespaceNotAdmitted',
      path,
      `a claim without a class of a resource, namespace ${context.namespace}: ${advice}`,
    ),
  );
}

/** How many resources a warning lists. */
const mostListed = 3;

/** Returns the policies that offer the resource on any node, whether or not their text contains its name. */
function reportedPolicies({ resource }: NamedResource, { offers }: ClaimContext): readonly Policy[] {
  const ids = new Set(offers.ofResource(resource).flatMap(({ policy }) => policy ?? []));
  return [...ids].flatMap((id) => offers.policy(id) ?? []);
}

function refuse(named: NamedResource, context: ClaimContext, reason: string): Verdict {
  return deny(
    context.namespaceLabels === undefined ? 'NamespaceUnknown' : 'NamespaceNotAdmitted',
    named.path,
    `${describeSubject(named, context)}: ${reason}`,
  );
}

function describeSubject(named: NamedResource, { namespace }: ClaimContext): string {
  return `${describeNamed(named)}, namespace ${namespace}`;
}

function describe({ id, namespaces }: Policy): string {
  return `policy ${id} admits namespaces with ${describeRequirements(namespaces)}`;
}
