// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { matchNode } from '../../policy/plan/match-node.ts';
import { isOutsideNamespace } from '../../policy/plan/sources.ts';
import type { StatusFacts } from './build-status.ts';
import { isOlder, newestOf } from './compare-versions.ts';

/** What of a whole cluster the doubts about a node rest on; looked up once, since there may be thousands of nodes. */
export interface DoubtContext {
  readonly facts: StatusFacts;
  readonly newestVersion: string | undefined;
  /** By node; undefined where nobody knows of them. */
  readonly pods: ReadonlyMap<unknown, readonly ApiObject[]> | undefined;
}

export function doubtContext(facts: StatusFacts): DoubtContext {
  const { snapshot, pluginPods } = facts;
  return {
    facts,
    newestVersion: newestOf([...snapshot.nodeStates.values()].flatMap(({ status }) => status?.pluginVersion ?? [])),
    pods: pluginPods && Map.groupBy(pluginPods, ({ spec }) => (isRecord(spec) ? spec.nodeName : undefined)),
  };
}

/** Why what a node reports is not, or may not be, how it is; the next step with each. */
export function doubtsOf(name: string, context: DoubtContext): readonly string[] {
  const { snapshot, knowsNodes, knowsStates } = context.facts;
  if (!snapshot.nodes.has(name) && knowsNodes) {
    return ['there is no such Node: its MacvtapNetworkNodeState is left over and can be deleted'];
  }
  const plugin = pluginDoubts(name, context);
  const { status } = snapshot.nodeStates.get(name) ?? {};
  if (status === undefined) {
    return [...(knowsStates ? ['reports nothing: it has no MacvtapNetworkNodeState with a status'] : []), ...plugin];
  }
  return [...plugin, ...versionDoubts(status.pluginVersion, context), ...generationDoubts(name, snapshot)];
}

function pluginDoubts(name: string, { pods: all }: DoubtContext): readonly string[] {
  if (all === undefined) return [];
  const pods = all.get(name) ?? [];
  if (pods.length === 0) return ['no node plugin runs there; see whether its DaemonSet selects and tolerates the node'];
  if (pods.some(isReady)) return [];
  const names = pods.map(({ metadata }) => metadata.name).join(', ');
  return [`its node plugin is not ready, and what it reported may be old; see the logs of ${names}`];
}

function isReady({ status }: ApiObject): boolean {
  const conditions = isRecord(status) && Array.isArray(status.conditions) ? status.conditions : [];
  return conditions.some(
    (condition) => isRecord(condition) && condition.type === 'Ready' && condition.status === 'True',
  );
}

function versionDoubts(version: string | undefined, { newestVersion: newest }: DoubtContext): readonly string[] {
  if (version === undefined || newest === undefined || !isOlder(version, newest)) return [];
  return [
    `its node plugin is ${version}, older than ${newest} elsewhere; see how far the update of the DaemonSet came`,
  ];
}

/** A plugin follows an edit within a second or two: one that is seen behind for longer is stuck. */
function generationDoubts(name: string, { nodes, nodeStates, policies }: StatusFacts['snapshot']): readonly string[] {
  const node = nodes.get(name);
  const { observedPolicies } = nodeStates.get(name)?.status ?? {};
  if (node === undefined || observedPolicies === undefined) return [];
  const observed = new Map(observedPolicies.map((policy) => [policy.name, policy.generation]));
  const behind = policies.filter(
    (policy) =>
      policy.generation !== undefined &&
      !isOutsideNamespace(policy) &&
      matchNode(node, policy.nodes) &&
      (observed.get(policy.id) ?? 0) < policy.generation,
  );
  return behind.map(({ id, generation }) => {
    const seen = observed.get(id);
    return `has not followed policy ${id} yet: it is at ${seen === undefined ? 'none' : `generation ${seen}`}, the policy at ${generation}`;
  });
}
