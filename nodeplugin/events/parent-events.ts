// SPDX-License-Identifier: Apache-2.0
import { aboutNode, type ClusterEvent } from '../../cluster/report/events/cluster-event.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import type { ServedResource } from '../reconcile/served-resource.ts';

type ServedByName = ReadonlyMap<string, ServedResource>;

/**
 * What becomes of the parents of resources, told on the Node: one that was there and cannot be used any more, and one that
 * can again. A parent that a policy names and the node never had is no event: policies name what some nodes have.
 */
export function parentEvents(node: string, before: ServedByName, after: ServedByName): readonly ClusterEvent[] {
  return [...after.values()].flatMap((served) => {
    const was = before.get(served.name);
    if (served.resource === undefined || was?.resource === undefined || was.fault === served.fault) return [];
    return [toEvent(node, served.resource, served.fault)];
  });
}

function toEvent(node: string, resource: PlannedResource, fault: ReasonCode | undefined): ClusterEvent {
  const { name, parent } = resource;
  const about = { action: 'Expose', regarding: aboutNode(node) };
  if (fault === undefined) {
    const note = `resource ${name} gives out devices again, on parent ${parent}`;
    return { ...about, type: 'Normal', reason: 'ParentReturned', note };
  }
  const meanwhile = 'until then its free devices are Unhealthy, and none is given out';
  if (fault === 'NothingFound') {
    const what = `parent ${parent} of resource ${name} is not there any more`;
    const note = `${what}: bring it back, or name another one in ${sourceOf(resource)}; ${meanwhile}`;
    return { ...about, type: 'Warning', reason: 'ParentVanished', note };
  }
  const note = `parent ${parent} of resource ${name} cannot be used: ${reasons[fault]} (${fault}); ${meanwhile}`;
  return { ...about, type: 'Warning', reason: 'ParentUnusable', note };
}

function sourceOf({ policy, source }: PlannedResource): string {
  return policy === undefined ? `what exposes it (${source})` : `policy ${policy}`;
}
