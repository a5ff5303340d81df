// SPDX-License-Identifier: Apache-2.0
import { wantedFrom } from '../../cluster/cluster-flags.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { compareNatural } from '../../policy/names.ts';
import { type InterfaceFacts, readInterface } from '../../policy/plan/interfaces.ts';
import { describeFinding } from '../../policy/plan/node-plan.ts';
import { type ImplicitExposure, tryPlan } from '../../policy/plan/plan-node.ts';
import { type NodeStatus, type ResourceStatus, type StatusReport, sumHeld } from '../status/build-status.ts';

/** The health of an element. The picture shows it as a colour and in words. */
export type GraphTone = 'good' | 'poor' | 'bad' | 'plain';

/** A node in the picture. */
export interface GraphNode {
  readonly name: string;
  /** The source of the node's resources. @example 'policy, DRA' */
  readonly source: string;
  /** Parents in natural order. Resources whose parent is unknown are under the parent `?`. */
  readonly parents: readonly GraphParent[];
  /** Interfaces that could be parents but have no resource. */
  readonly unused: readonly string[];
  /** Problems of the node, and reasons why its report may be wrong. */
  readonly remarks: readonly GraphRemark[];
}

export interface GraphParent {
  readonly name: string;
  /** @example 'bond, down' */
  readonly detail: string;
  readonly tone: GraphTone;
  readonly resources: readonly GraphResource[];
}

export interface GraphResource {
  readonly name: string;
  /** @example 'private, macvtap-cni/policy-1' */
  readonly detail: string;
  readonly tone: GraphTone;
  /** The reason why the resource is not Healthy, or an empty text if it is. */
  readonly trouble: string;
  /** The number of devices that pods hold on this parent in this mode. Undefined if the node does not report it. */
  readonly held: number | undefined;
  /**
   * The number of the resource's devices. If `isLeftBehind` is true: the number of its devices that pods hold, on any
   * parent and in any mode.
   */
  readonly quantity: number;
  /**
   * True for a former parent or mode: an edit changed the resource, but pods still hold devices from before the edit.
   */
  readonly isLeftBehind?: boolean;
}

export interface GraphRemark {
  readonly tone: 'poor' | 'bad';
  readonly title: string;
  readonly detail: string;
}

/**
 * Converts the nodes of a status to the nodes of a picture. A NodeState that was written by hand may have interfaces
 * but no resources. The picture then shows the plan of that node.
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
  const plan = tryPlan(reached.node, reached.interfaces, wantedFrom(snapshot, exposure));
  if ('failure' in plan) return { ...node, doubts: [...node.doubts, plan.failure] };
  const { source, resources, conflicts } = plan;
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
  const { name, source = 'unknown', allocation, resources, conflicts, troubles, doubts } = node;
  const interfaces = (nodeStates.get(name)?.status?.interfaces ?? []).map(readInterface);
  const byName = new Map(interfaces.map((nic) => [nic.name, nic]));
  const byParent = Map.groupBy(resources.flatMap(placesOf), ({ parent = '?' }) => parent);
  return {
    name,
    source: allocation === 'DRA' ? `${source}, DRA` : source,
    parents: [...byParent]
      .sort(([left], [right]) => compareNatural(left, right))
      .map(([parent, its]) => toParent(parent, its, byName.get(parent))),
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

/**
 * Splits a resource by parent and mode. The current ones have the devices held there. Each former parent and mode has
 * the devices that pods still hold there.
 */
function placesOf(resource: ResourceStatus): readonly PlacedResource[] {
  const { name, source, held, heldElsewhere = [] } = resource;
  const places = heldElsewhere.map((place) => ({ name, source, quantity: held ?? 0, isLeftBehind: true, ...place }));
  return [held === undefined ? resource : { ...resource, held: held - sumHeld(heldElsewhere) }, ...places];
}

interface PlacedResource extends ResourceStatus {
  /** True for a former parent or mode, which has only held devices. */
  readonly isLeftBehind?: boolean;
}

function isPossible({ loopback, ethernet, master }: InterfaceFacts): boolean {
  return ethernet && !loopback && master === undefined;
}

function toParent(name: string, resources: readonly PlacedResource[], nic: InterfaceFacts | undefined): GraphParent {
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

function toResource(resource: PlacedResource): GraphResource {
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
