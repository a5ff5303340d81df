// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { matchNode } from '../../policy/plan/match-node.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import { type DoubtContext, doubtContext, doubtsOf } from './doubts.ts';
import { readPolicyStatus } from './read-policy-status.ts';
import type { NodeStatus, StatusReport } from './status-report.ts';

/** What a status is made of. */
export interface StatusFacts {
  readonly snapshot: Snapshot;
  /** The policies as they are stored, with their status; undefined where they cannot be read. */
  readonly policies: readonly ApiObject[] | undefined;
  /** The node plugin's pods; undefined where nobody knows of them. */
  readonly pluginPods: readonly ApiObject[] | undefined;
  /** Files, whose policies nobody writes a status into. */
  readonly isOfFiles?: boolean;
  /** Whether the Nodes, and the NodeStates, were read: what was not is not absent. */
  readonly knowsNodes: boolean;
  readonly knowsStates: boolean;
}

/**
 * The nodes and policies of a cluster, or one node with the policies that select it. A NodeState without a Node counts, too:
 * somebody is to see that it is left.
 */
export function buildStatus(facts: StatusFacts, only?: string): StatusReport {
  const { snapshot, policies, isOfFiles = false } = facts;
  const all = new Set([...snapshot.nodes.keys(), ...snapshot.nodeStates.keys()]);
  const names = only === undefined ? all : [only].filter((name) => all.has(name));
  const context = doubtContext(facts);
  return {
    ...(isOfFiles && { isOfFiles }),
    nodes: [...names].sort(compareNatural).map((name) => nodeStatus(name, context)),
    ...(policies !== undefined && {
      policies: policies
        .map(readPolicyStatus)
        .filter(({ name }) => only === undefined || isSelecting(name, only, snapshot))
        .sort((left, right) => compareNatural(left.name, right.name)),
    }),
  };
}

function isSelecting(id: string, name: string, { nodes, policies }: Snapshot): boolean {
  const [node, policy] = [nodes.get(name), policies.find((one) => one.id === id)];
  return node !== undefined && policy !== undefined && matchNode(node, policy.nodes);
}

function nodeStatus(name: string, context: DoubtContext): NodeStatus {
  const { status } = context.facts.snapshot.nodeStates.get(name) ?? {};
  const { source, pluginVersion, resources = [], conflicts = [], troubles = [] } = status ?? {};
  return {
    name,
    ...(source !== undefined && { source }),
    ...(pluginVersion !== undefined && { pluginVersion }),
    resources,
    conflicts,
    troubles,
    doubts: doubtsOf(name, context),
  };
}
