// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../plan/interface-facts.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import type { NodePlan, PlannedResource } from '../plan/node-plan.ts';
import { planNode } from '../plan/plan-node.ts';
import type { Wanted } from '../plan/sources.ts';
import { type Meeting, meetingsOf } from './summarize-overlaps.ts';

/** How one resource of a node changes; `how` is empty where the effect says it all. */
export interface ResourceChange {
  readonly resource: string;
  readonly effect: 'lost' | 'changed' | 'gained';
  /** `mode private -> vepa, quantity 25 -> 50`, or the source of what is gained where that is no policy. */
  readonly how: string;
  /** Devices that pods hold now and that the change is about; none of what is gained. */
  readonly held: number;
}

/** What a change of policies does to one node. */
export interface NodeBlast {
  readonly changes: readonly ResourceChange[];
  /** The other policies that the one that changes meets there once the change is in force. */
  readonly meetings: readonly Meeting[];
}

/** What is known of a node that a change can reach. */
export interface ReachedNode {
  readonly node: NodeFacts;
  readonly interfaces: readonly InterfaceFacts[];
  /** Devices that pods hold, by resource. */
  readonly held: ReadonlyMap<string, number>;
}

/**
 * Compares the plan of a node before and after a change of the policy `id`. Devices that are held stay what they are in
 * either case. Plans are not kept: those of thousands of nodes would be more than the rest of this program.
 */
export function blastOfNode(
  { node, interfaces, held }: ReachedNode,
  wantedBefore: Wanted,
  wantedAfter: Wanted,
  id: string,
): NodeBlast {
  const before = planNode(node, interfaces, wantedBefore);
  const after = planNode(node, interfaces, wantedAfter);
  return { changes: changesBetween(before, after, held), meetings: meetingsOf(after, id) };
}

/** How the resources of two plans of a node differ: what is lost first, then the rest by name. */
export function changesBetween(
  before: NodePlan,
  after: NodePlan,
  held: ReadonlyMap<string, number>,
): readonly ResourceChange[] {
  const earlier = new Map(before.resources.map((resource) => [resource.name, resource]));
  const later = new Set(after.resources.map(({ name }) => name));
  const changes = [
    ...before.resources
      .filter(({ name }) => !later.has(name))
      .map(({ name }) => ({ resource: name, effect: 'lost', how: '' }) as const),
    ...after.resources.flatMap((resource) => changeOf(resource, earlier.get(resource.name))),
  ];
  return changes.map((change) => ({
    ...change,
    held: change.effect === 'gained' ? 0 : (held.get(change.resource) ?? 0),
  }));
}

function changeOf(
  after: PlannedResource,
  before: PlannedResource | undefined,
): readonly Omit<ResourceChange, 'held'>[] {
  if (before === undefined) return [{ resource: after.name, effect: 'gained', how: sourceTexts[after.source] }];
  const how = differences(before, after).join(', ');
  return how === '' ? [] : [{ resource: after.name, effect: 'changed', how }];
}

/** What falls to a node that no policy selects any more is the surprise of a deletion, so its source is named. */
const sourceTexts: Readonly<Record<PlannedResource['source'], string>> = {
  policy: '',
  explicit: 'by the explicit configuration',
  tag: 'by tags of the node',
  implicit: 'by implicit exposure',
};

function differences(before: PlannedResource, after: PlannedResource): readonly string[] {
  const fields = [
    ['parent', before.parent, after.parent],
    ['mode', before.mode, after.mode],
    ['quantity', before.quantity, after.quantity],
    ['NUMA hint', before.numaNodes.join('+') || 'none', after.numaNodes.join('+') || 'none'],
    ['/dev/vhost-net', before.needVhostNet ? 'yes' : 'no', after.needVhostNet ? 'yes' : 'no'],
  ] as const;
  return fields.filter(([, from, to]) => from !== to).map(([name, from, to]) => `${name} ${from} -> ${to}`);
}
