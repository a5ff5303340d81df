// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { explicitTrouble, findExplicitErrors } from '../../policy/plan/from-explicit.ts';
import { matchNode } from '../../policy/plan/match-labels.ts';
import { isGoverned, isOutsideNamespace } from '../../policy/plan/plan-node.ts';
import { conditionStatus, textIn } from '../view/objects.ts';
import type { StatusFacts } from './status-facts.ts';

/** The facts of the cluster that warnings need. They are computed once, because there may be thousands of nodes. */
export interface WarningContext {
  readonly facts: StatusFacts;
  readonly newestVersion: string | undefined;
  /** The node plugin's pods by node. Undefined if they are unknown. */
  readonly pods: ReadonlyMap<unknown, readonly ApiObject[]> | undefined;
  /** The message of ExplicitInvalid if macvtap-cni's config map (the explicit configuration) has an error. */
  readonly explicitTrouble: string | undefined;
}

export function warningContext(facts: StatusFacts): WarningContext {
  const { snapshot, pluginPods, policyNamespace } = facts;
  const explicitErrors = findExplicitErrors(snapshot.explicit).map(({ text }) => text);
  return {
    facts,
    newestVersion: newestOf([...snapshot.nodeStates.values()].flatMap(({ status }) => status?.pluginVersion ?? [])),
    pods: pluginPods && Map.groupBy(pluginPods, ({ spec }) => textIn(spec, 'nodeName')),
    explicitTrouble: explicitTrouble(explicitErrors, policyNamespace),
  };
}

type Troubles = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['troubles']>;

/**
 * Returns the troubles in a node's report. If no policy selects the node, also includes the current error of the
 * explicit configuration, because the report may be older or missing.
 */
export function troublesOf(name: string, context: WarningContext): Troubles {
  const { nodes, nodeStates, policies } = context.facts.snapshot;
  const reported = nodeStates.get(name)?.status?.troubles ?? [];
  const { explicitTrouble: message } = context;
  const node = nodes.get(name);
  if (message === undefined || node === undefined || isGoverned(node, policies)) return reported;
  const code = 'ExplicitInvalid';
  return [...reported.filter((trouble) => trouble.code !== code), { code, message }];
}

/** Returns the reasons why a node's report may be missing or outdated, each with the next step. */
export function statusWarnings(name: string, context: WarningContext): readonly string[] {
  const { snapshot, knowsNodes, knowsStates, notInstalledIn } = context.facts;
  if (!snapshot.nodes.has(name) && knowsNodes) {
    return [
      `there is no such Node: delete its MacvtapNetworkNodeState: kubectl delete macvtapnetworknodestate ${name}`,
    ];
  }
  if (notInstalledIn !== undefined) return [];
  const plugin = pluginDoubts(name, context);
  const leftOut = snapshot.leftOut.get(name);
  if (leftOut !== undefined) return [`its MacvtapNetworkNodeState is ignored: ${leftOut}`, ...plugin];
  const { status } = snapshot.nodeStates.get(name) ?? {};
  if (status === undefined) {
    return [...(knowsStates ? ['no report: it has no MacvtapNetworkNodeState with a status'] : []), ...plugin];
  }
  return [...plugin, ...versionDoubts(status.pluginVersion, context), ...generationDoubts(name, snapshot)];
}

function pluginDoubts(name: string, { pods: all }: WarningContext): readonly string[] {
  if (all === undefined) return [];
  const pods = all.get(name) ?? [];
  if (pods.length === 0)
    return ['no node plugin runs there; check that its DaemonSet selects the node and tolerates its taints'];
  if (pods.some((pod) => conditionStatus(pod, 'Ready') === 'True')) return [];
  const names = pods.map(({ metadata }) => metadata.name).join(', ');
  return [`its node plugin is not ready, so its report may be out of date; see the logs of ${names}`];
}

function versionDoubts(version: string | undefined, { newestVersion: newest }: WarningContext): readonly string[] {
  if (version === undefined || newest === undefined || !isOlder(version, newest)) return [];
  return [`its node plugin is ${version}, other nodes have ${newest}; check the rollout of the DaemonSet`];
}

/**
 * Returns a warning for each policy whose newest generation is not in the node's report yet. A node plugin normally
 * applies an edit within 2 seconds.
 */
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
    return `has not applied policy ${id} yet: it reports ${seen === undefined ? 'no generation' : `generation ${seen}`}, the policy has ${generation}`;
  });
}

/**
 * Returns whether a version is lower than another. Compares three numbers. Returns false if one of the texts is not a
 * version.
 */
function isOlder(left: string, right: string): boolean {
  const [mine, other] = [numbersOf(left), numbersOf(right)];
  if (mine === undefined || other === undefined) return false;
  const at = mine.findIndex((number, index) => number !== other[index]);
  return at >= 0 && (mine[at] ?? 0) < (other[at] ?? 0);
}

/** Returns the highest of the versions, or undefined for an empty list. */
function newestOf(versions: readonly string[]): string | undefined {
  return versions.reduce<string | undefined>(
    (newest, version) => (newest === undefined || isOlder(newest, version) ? version : newest),
    undefined,
  );
}

function numbersOf(version: string): readonly number[] | undefined {
  return /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(version)
    ?.slice(1)
    .map((digits) => Number(digits));
}
