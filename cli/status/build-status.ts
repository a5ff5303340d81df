// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { isJsonObject } from '../../policy/json.ts';
import { compareNatural } from '../../policy/names.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import { matchNode } from '../../policy/plan/match-labels.ts';
import type { Holder } from '../../policy/why/why-facts.ts';
import type { StatusFacts } from './status-facts.ts';
import { statusWarnings, troublesOf, type WarningContext, warningContext } from './status-warnings.ts';

/** The result of `status`. `-o json` prints it unchanged. */
export interface StatusReport {
  /** True if the status comes from a directory of manifests. A webhook does not write conditions there. */
  readonly isOfFiles?: boolean;
  /**
   * The namespace that was searched for an installation, if kube-macvtap is not installed there. `nodes` then contains
   * the reports that an earlier installation left.
   */
  readonly notInstalledIn?: string;
  /** Nodes in natural order. */
  readonly nodes: readonly NodeStatus[];
  /** Policies in natural order. Absent if policies could not be read. */
  readonly policies?: readonly PolicyStatus[];
}

/** A node as reported by its node plugin. */
export interface NodeStatus {
  readonly name: string;
  /** The source of the node's resources. Absent if the node has no report. */
  readonly source?: string;
  readonly pluginVersion?: string;
  /** The API through which the node offers devices. Absent if the node does not report it. */
  readonly allocation?: NonNullable<State['allocation']>;
  readonly resources: readonly ResourceStatus[];
  readonly conflicts: NonNullable<State['conflicts']>;
  /** Problems that prevent the node from offering any devices. */
  readonly troubles: NonNullable<State['troubles']>;
  /** Reasons why the report may be outdated or missing, each with the next step. */
  readonly doubts: readonly string[];
  /** Pods with devices on a former parent or in a former mode. Absent if there are none. */
  readonly formerHolders?: readonly FormerHolders[];
}

interface FormerHolders {
  readonly resource: string;
  /** `namespace/name` */
  readonly pods: readonly string[];
  /**
   * True if each of these pods holds devices on a former parent or in a former mode. False if some of the pods may hold
   * only current devices of the resource.
   */
  readonly isAll: boolean;
}

type State = NonNullable<MacvtapNetworkNodeState['status']>;

/** A resource as the node reports it. See docs/reference/node-state.md. */
export type ResourceStatus = NonNullable<State['resources']>[number];

/** A policy with the status that the webhook's leader wrote. */
export interface PolicyStatus {
  /** `namespace/name` */
  readonly name: string;
  readonly conditions: readonly PolicyCondition[];
  readonly matchedNodes?: number;
  readonly exposingNodes?: number;
  /** True if the conditions describe an older generation of the policy. */
  readonly isBehind: boolean;
}

interface PolicyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * Builds the status of all nodes and policies, or of one node and the policies that select it. A NodeState without a
 * Node is included, so that a person can find and delete it.
 */
export function buildStatus(facts: StatusFacts, only?: string): StatusReport {
  const { snapshot, policies, isOfFiles = false, notInstalledIn } = facts;
  const all = new Set([...snapshot.nodes.keys(), ...snapshot.nodeStates.keys(), ...snapshot.leftOut.keys()]);
  const names = only === undefined ? all : [only].filter((name) => all.has(name));
  const context = warningContext(facts);
  const byID = new Map(snapshot.policies.map((policy) => [policy.id, policy]));
  return {
    ...(isOfFiles && { isOfFiles }),
    ...(notInstalledIn !== undefined && { notInstalledIn }),
    nodes: [...names].sort(compareNatural).map((name) => nodeStatus(name, context)),
    ...(policies !== undefined && {
      policies: policies
        .map(readPolicyStatus)
        .filter(({ name }) => only === undefined || isSelecting(byID.get(name), only, snapshot))
        .sort((left, right) => compareNatural(left.name, right.name)),
    }),
  };
}

function isSelecting(policy: Policy | undefined, name: string, { nodes }: Snapshot): boolean {
  const node = nodes.get(name);
  return node !== undefined && policy !== undefined && matchNode(node, policy.nodes);
}

function nodeStatus(name: string, context: WarningContext): NodeStatus {
  const { snapshot, notInstalledIn, holders } = context.facts;
  const { status } = snapshot.nodeStates.get(name) ?? {};
  const { source, pluginVersion, allocation, resources = [], conflicts = [] } = status ?? {};
  const formerHolders = resources.flatMap((resource) => formerHoldersOf(resource, holders?.get(name)));
  return {
    name,
    ...(source !== undefined && { source }),
    ...(pluginVersion !== undefined && { pluginVersion }),
    ...(allocation !== undefined && { allocation }),
    resources: notInstalledIn === undefined ? resources : resources.map(withoutHealth),
    conflicts,
    troubles: troublesOf(name, context),
    doubts: statusWarnings(name, context),
    ...(formerHolders.length > 0 && { formerHolders }),
  };
}

/** Removes the health of a resource. Without a node plugin, it is no longer checked. */
function withoutHealth({ health: _, code: _code, ...resource }: ResourceStatus): ResourceStatus {
  return resource;
}

function formerHoldersOf(
  { name, held = 0, heldElsewhere = [] }: ResourceStatus,
  holders: readonly Holder[] = [],
): readonly FormerHolders[] {
  const pods = holders.filter(({ devices }) => devices.has(name)).map(({ pod }) => pod);
  if (heldElsewhere.length === 0 || pods.length === 0) return [];
  return [{ resource: name, pods, isAll: held === sumHeld(heldElsewhere) }];
}

/** Returns the number of devices that pods hold, as the sum over parents and modes. */
export function sumHeld(places: readonly { readonly held: number }[]): number {
  return places.reduce((sum, { held }) => sum + held, 0);
}

/** Reads the status of a stored policy. Without a status, the result has no conditions. */
function readPolicyStatus({ metadata, status }: ApiObject): PolicyStatus {
  const { observedGeneration, matchedNodes, exposingNodes, conditions } = isJsonObject(status) ? status : {};
  return {
    name: `${metadata.namespace ?? 'default'}/${metadata.name}`,
    conditions: Array.isArray(conditions) ? conditions.filter(isJsonObject).map(toCondition) : [],
    ...(typeof matchedNodes === 'number' && { matchedNodes }),
    ...(typeof exposingNodes === 'number' && { exposingNodes }),
    isBehind:
      typeof observedGeneration === 'number' &&
      typeof metadata.generation === 'number' &&
      observedGeneration < metadata.generation,
  };
}

function toCondition({ type, status, reason, message }: Record<string, unknown>): PolicyCondition {
  return { type: String(type), status: String(status), reason: String(reason ?? ''), message: String(message ?? '') };
}
