// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { describeFinding } from '../../policy/plan/describe-finding.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { type InterfaceFacts, readInterface } from '../../policy/plan/interface-facts.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import type { NodeStatus, ResourceStatus, StatusReport } from '../status/status-report.ts';
import type { GraphNode, GraphParent, GraphRemark, GraphResource, GraphTone } from './graph-node.ts';

/**
 * The nodes of a status as they are drawn. A node that reports interfaces but no resources, as one written by hand, is
 * drawn as it is planned.
 */
export function buildGraph(
  { nodes }: StatusReport,
  snapshot: Snapshot,
  exposure: ImplicitExposure | undefined,
): readonly GraphNode[] {
  return nodes.map((node) => toGraphNode(withPlan(node, snapshot, exposure), snapshot));
}

function withPlan(node: NodeStatus, snapshot: Snapshot, exposure: ImplicitExposure | undefined): NodeStatus {
  const state = snapshot.nodeStates.get(node.name);
  const facts = snapshot.nodes.get(node.name);
  const reached = facts === undefined || state?.status?.resources !== undefined ? undefined : readNode(facts, state);
  if (reached === undefined) return node;
  const { source, resources, conflicts } = planNode(reached.node, reached.interfaces, wantedFrom(snapshot, exposure));
  return {
    ...node,
    source: `planned: ${source}`,
    resources,
    conflicts: conflicts.map((finding) => ({
      name: finding.resource ?? finding.interface ?? '',
      code: finding.code,
      message: describeFinding(finding),
    })),
  };
}

function toGraphNode(node: NodeStatus, { nodeStates }: Snapshot): GraphNode {
  const { name, source = 'unknown', resources, conflicts, troubles, doubts } = node;
  const interfaces = (nodeStates.get(name)?.status?.interfaces ?? []).map(readInterface);
  const byParent = Map.groupBy(resources.flatMap(standings), ({ parent = '?' }) => parent);
  return {
    name,
    source,
    parents: [...byParent]
      .sort(([left], [right]) => compareNatural(left, right))
      .map(([parent, its]) => toParent(parent, its, interfaces)),
    unused: interfaces
      .filter((nic) => !byParent.has(nic.name) && isPossible(nic))
      .map((nic) => nic.name)
      .sort(compareNatural),
    remarks: [
      ...troubles.map(({ code, message }): GraphRemark => ({ tone: 'bad', title: code, detail: message })),
      ...conflicts.map(
        ({ name: loser, code, by }): GraphRemark => ({
          tone: 'bad',
          title: code,
          detail: by === undefined ? loser : `${loser}, first: ${by}`,
        }),
      ),
      ...doubts.map((doubt): GraphRemark => ({ tone: 'poor', title: 'Not sure', detail: doubt })),
    ],
  };
}

/** A resource where it stands, and each place where pods still hold devices of it from before an edit. */
function standings(resource: ResourceStatus): readonly Standing[] {
  const { name, source, held, heldElsewhere = [] } = resource;
  const places = heldElsewhere.map((place) => ({ name, source, quantity: held ?? 0, isLeftBehind: true, ...place }));
  return [resource, ...places];
}

interface Standing extends ResourceStatus {
  /** Only held devices of it stand there. */
  readonly isLeftBehind?: boolean;
}

function isPossible({ loopback, ethernet, master }: InterfaceFacts): boolean {
  return ethernet && !loopback && master === undefined;
}

function toParent(name: string, resources: readonly Standing[], interfaces: readonly InterfaceFacts[]): GraphParent {
  const nic = interfaces.find((facts) => facts.name === name);
  const state = nic === undefined ? 'not there' : !nic.up ? 'down' : !nic.carrier ? 'no carrier' : undefined;
  const kind = nic === undefined || nic.kind === 'device' ? undefined : nic.kind;
  return {
    name,
    detail: [kind, state].filter((part) => part !== undefined).join(', '),
    tone: nic === undefined ? 'bad' : state === undefined ? 'plain' : 'poor',
    resources: resources.map(toResource),
  };
}

const tones: Readonly<Record<string, GraphTone>> = { Healthy: 'good', Degraded: 'poor', Unhealthy: 'bad' };

function toResource(resource: Standing): GraphResource {
  const { name, mode, policy, source, held, quantity, health, code, isLeftBehind = false } = resource;
  return {
    name,
    detail: [mode, isLeftBehind ? 'before an edit' : (policy ?? source)]
      .filter((part) => part !== undefined)
      .join(', '),
    tone: tones[health ?? ''] ?? 'plain',
    trouble:
      health === undefined || health === 'Healthy'
        ? ''
        : [health, code].filter((part) => part !== undefined).join(': '),
    held,
    quantity,
    isLeftBehind,
  };
}
