// SPDX-License-Identifier: Apache-2.0
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import type { ReasonCode } from '../../policy/reasons.ts';

/** A resource that kubelet is told of; with a fault its devices are Unhealthy. */
export interface ServedResource {
  readonly resource: PlannedResource;
  readonly fault?: ReasonCode;
}

/** What made the node plan anew: somebody edited what is wanted, or the links changed under the same wishes. */
export type PlanCause = 'edit' | 'links';

/**
 * What to serve under a new plan, by resource name. An edit is followed to the letter. When only links changed, a
 * resource that no longer finds its parent stays, Unhealthy with the reason: kubelet keeps running what it knows, takes
 * nothing new, and has everything back when the link is.
 */
export function decideServed(
  plan: NodePlan,
  served: ReadonlyMap<string, ServedResource>,
  cause: PlanCause,
): ReadonlyMap<string, ServedResource> {
  const next = new Map<string, ServedResource>(plan.resources.map((resource) => [resource.name, { resource }]));
  if (cause === 'edit') return next;
  for (const [name, { resource }] of served) {
    if (!next.has(name)) next.set(name, { resource, fault: faultOf(resource, plan) });
  }
  return next;
}

/** The plan's own reason for what became of the parent; a parent that nobody mentions any more is not there. */
function faultOf({ name, parent, policy, entry }: PlannedResource, plan: NodePlan): ReasonCode {
  const findings = [...plan.conflicts, ...plan.skipped].filter((finding) => finding.policy === policy);
  const about =
    findings.find((finding) => finding.entry === entry && finding.interface === parent) ??
    findings.find((finding) => finding.resource === name);
  return about?.code ?? 'NothingFound';
}
