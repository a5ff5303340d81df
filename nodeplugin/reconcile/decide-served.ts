// SPDX-License-Identifier: Apache-2.0
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import type { ReasonCode } from '../../policy/reasons.ts';
import { type HeldDevice, type ParentLookup, type ServedResource, standsOn } from './served-resource.ts';

/** Why it is decided anew: somebody edited what is wanted, the links changed under the same wishes, or devices were
 * given out or came back. */
export type DecisionCause = 'edit' | 'links' | 'held';

/**
 * What to serve under a plan, by resource name.
 *
 * - An edit is followed to the letter: new allocations go where the plan says. A resource that the plan no longer has
 *   stays until the last of its devices is released, with exactly these (kubelet forgets an endpoint that stops, and then
 *   restarted containers of running pods fail).
 * - When only links changed, a resource that no longer finds its parent stays whole, Unhealthy with the reason, and has
 *   everything back when the link is. One that would move to another parent does not while devices are held
 *   (ParentChanged): they were promised together.
 * - A device that is released, or given out, changes no wish: it lets what waited for it go on.
 * - What stands on a parent, held or left behind, excludes a passthru resource there, and a passthru device every other one,
 *   whatever the plan has since: the kernel would refuse each Allocate, and the pod with it (PassthruExclusive).
 */
export function decideServed(
  plan: Pick<NodePlan, 'resources' | 'skipped' | 'conflicts'>,
  served: ReadonlyMap<string, ServedResource>,
  cause: DecisionCause,
  held: readonly HeldDevice[],
  parents: ParentLookup,
  leftBehind: readonly HeldDevice[] = [],
): ReadonlyMap<string, ServedResource> {
  const standing = [...held, ...leftBehind];
  const heldNames = new Set(held.map(({ resource }) => resource));
  const next = new Map<string, ServedResource>();
  for (const resource of plan.resources) {
    const before = served.get(resource.name);
    const mustStay = cause !== 'edit' && isElsewhere(before, resource) && held.some(standsElsewhere(resource, parents));
    const isExcluded = standing.some(excludes(resource, parents));
    const wanted = { name: resource.name, resource, ...(isExcluded && ({ fault: 'PassthruExclusive' } as const)) };
    next.set(resource.name, mustStay ? { ...before, fault: 'ParentChanged' } : wanted);
  }
  for (const [name, { resource, fault }] of served) {
    if (next.has(name) || resource === undefined || cause === 'edit') continue;
    // Devices that come and go do not change why the resource found no parent.
    next.set(name, { name, resource, fault: cause === 'links' ? faultOf(resource, plan) : (fault ?? 'NothingFound') });
  }
  for (const name of heldNames) {
    if (!next.has(name)) next.set(name, { name, fault: 'Draining' });
  }
  return next;
}

/** Whether a resource was served on another parent than the plan has it on now. */
function isElsewhere(before: ServedResource | undefined, { parent }: PlannedResource): before is ServedResource {
  return before?.resource !== undefined && before.resource.parent !== parent;
}

function standsElsewhere(resource: PlannedResource, parents: ParentLookup): (device: HeldDevice) => boolean {
  const standsThere = standsOn(resource.parent, parents);
  return (device) => device.resource === resource.name && !standsThere(device);
}

function excludes(resource: PlannedResource, parents: ParentLookup): (device: HeldDevice) => boolean {
  const { name, mode } = resource;
  const standsThere = standsOn(resource.parent, parents);
  return (device) =>
    (mode === 'passthru' || device.mode === 'passthru') &&
    !(device.resource === name && device.mode === mode) &&
    standsThere(device);
}

/** The plan's own reason for what became of the parent; a parent that nobody mentions any more is not there. */
function faultOf(
  { name, parent, policy, entry }: PlannedResource,
  plan: Pick<NodePlan, 'skipped' | 'conflicts'>,
): ReasonCode {
  const findings = [...plan.conflicts, ...plan.skipped].filter((finding) => finding.policy === policy);
  const about =
    findings.find((finding) => finding.entry === entry && finding.interface === parent) ??
    findings.find((finding) => finding.resource === name);
  return about?.code ?? 'NothingFound';
}
