// SPDX-License-Identifier: Apache-2.0
import { wantedFrom } from '../../cluster/cluster-flags.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { changesBetween, type ResourceChange } from '../../policy/blast/blast-of-node.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { compareNatural } from '../../policy/names.ts';
import { collectDraChanges, type DraChanges } from '../../policy/plan/dra-devices.ts';
import type { Finding, NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { type ImplicitExposure, tryPlan } from '../../policy/plan/plan-node.ts';
import { nameNodes } from '../../policy/why/node-scheduling.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { FlagValues } from '../../runtime/flags.ts';
import type { LintInput } from '../lint/read-inputs.ts';
import { findExposure, type planningFlags, requireNode } from '../shared-flags.ts';
import type { View } from '../view/view.ts';
import { applyChange, readChange, readDeletions } from './read-change.ts';

/**
 * Plans all nodes, or one. `faults` explains why nodes could not be planned, unless the view already reports the
 * reason.
 */
export function planSnapshot(
  { snapshot, missing, client }: Pick<View, 'snapshot' | 'missing' | 'client'>,
  exposure: ImplicitExposure | undefined,
  only: string | undefined,
): { plans: readonly NodePlan[]; faults: readonly string[] } {
  const isLive = client !== undefined;
  const names = [...snapshot.nodes.keys()].filter((name) => only === undefined || name === only).sort(compareNatural);
  const faults = names.length > 0 || isMissing('Nodes') ? [] : [noNodeFault(only, isLive)];
  const wanted = wantedFrom(snapshot, exposure);
  const plans: NodePlan[] = [];
  const blind: string[] = [];
  for (const name of names) {
    const node = snapshot.nodes.get(name);
    const interfaces = snapshot.nodeStates.get(name)?.status?.interfaces;
    if (node === undefined) continue;
    if (interfaces !== undefined) {
      const plan = tryPlan(node, interfaces, wanted);
      if ('failure' in plan) faults.push(`Node ${name}: ${plan.failure}; this is a bug`);
      else plans.push(plan);
    } else if (!isMissing('MacvtapNetworkNodeStates') && !snapshot.leftOut.has(name)) {
      // A NodeState that was left out is not reported here, because the view already reports the reason.
      blind.push(name);
    }
  }
  if (blind.length > 0) faults.push(noInterfacesFault(blind, isLive));
  return { plans, faults };

  function isMissing(what: string): boolean {
    return missing.some((part) => part.what === what);
  }
}

function noNodeFault(only: string | undefined, isLive: boolean): string {
  if (isLive) return only === undefined ? 'the cluster has no Node' : `Node ${only}: not in the cluster; check --node`;
  return only === undefined
    ? 'no Node among the files; add one'
    : `Node ${only}: not among the files; add it or check --node`;
}

function noInterfacesFault(names: readonly string[], isLive: boolean): string {
  const isOne = names.length === 1;
  const unknown = `${nameNodes(names)}: ${isOne ? 'its' : 'their'} interfaces are not known`;
  return isLive
    ? `${unknown}: ${isOne ? 'it has' : 'they have'} no MacvtapNetworkNodeState; check that the node plugin runs there`
    : `${unknown}; list them in a MacvtapNetworkNodeState ${isOne ? names[0] : 'of each'}, in status.interfaces`;
}

interface ChangeOptions extends FlagValues<typeof planningFlags> {
  readonly namespace: string;
  readonly delete: readonly string[];
  readonly node: string | undefined;
}

/** The parts of the cluster that a comparison needs. Without them, the result would be wrong. */
const needed = ['Nodes', 'MacvtapNetworkNodePolicies', 'MacvtapNetworkNodeStates'];

/**
 * Compares the plans of all nodes before and after a change. Raises ManifestsUnreadable for invalid files, and
 * InvalidFlags for invalid deletions. Raises ApiServerRefused if the user may not read the parts of the cluster that
 * the comparison needs.
 */
export async function measureChange(
  view: View,
  inputs: readonly LintInput[],
  options: ChangeOptions,
): Promise<{
  readonly changes: PlanChanges;
  /** True if the files and deletions contain no object that affects plans. */
  readonly isAboutNothing: boolean;
}> {
  const { policyNamespace, snapshot } = view;
  const unread = view.missing.filter(({ what }) => needed.includes(what));
  if (unread.length > 0) {
    const parts = unread.map(({ what, message }) => `${what}: ${message}`).join('\n  ');
    throw new MacvtapError('ApiServerRefused', `changes cannot be computed without:\n  ${parts}`);
  }
  requireNode(view, options.node);
  const written = readChange(inputs, { policyNamespace, namespace: options.namespace });
  const deleted = readDeletions(options.delete, snapshot, policyNamespace);
  const exposure = await findExposure(options, view);
  return {
    changes: compareSnapshots(snapshot, applyChange(snapshot, written, deleted), exposure, options.node),
    isAboutNothing: options.delete.length === 0 && written.policies.length === 0 && written.explicit === undefined,
  };
}

/** The effect of a change on the nodes. */
export interface PlanChanges {
  /** The nodes with a changed resource or a new finding, in natural order. */
  readonly nodes: readonly NodeChange[];
  /** The number of nodes that do not change. */
  readonly unchanged: number;
  /** Nodes that cannot be planned, usually because they have no usable NodeState. */
  readonly unknown: readonly string[];
  /** Absent if no node uses dynamic resource allocation, or if nothing changes for it. */
  readonly dra?: DraChanges;
}

interface NodeChange {
  readonly node: string;
  readonly resources: readonly ChangedResource[];
  /** New reasons why resources are not exposed. */
  readonly findings: readonly Finding[];
}

interface ChangedResource extends ResourceChange {
  readonly before?: PlannedResource;
  readonly after?: PlannedResource;
}

/**
 * Plans every node, or a single one, before and after the change. Everything else in the cluster is assumed to stay the
 * same.
 */
function compareSnapshots(
  before: Snapshot,
  after: Snapshot,
  exposure: ImplicitExposure | undefined,
  only: string | undefined,
): PlanChanges {
  const [wantedBefore, wantedAfter] = [wantedFrom(before, exposure), wantedFrom(after, exposure)];
  const nodes: NodeChange[] = [];
  const unknown: string[] = [];
  let unchanged = 0;
  const draChanges = collectDraChanges(before, after);
  for (const node of [...before.nodes.values()].sort((left, right) => compareNatural(left.name, right.name))) {
    if (only !== undefined && node.name !== only) continue;
    const reached = readNode(node, before.nodeStates.get(node.name));
    if (reached === undefined) {
      unknown.push(node.name);
      continue;
    }
    const earlier = tryPlan(node, reached.interfaces, wantedBefore);
    const later = tryPlan(node, reached.interfaces, wantedAfter);
    if ('failure' in earlier || 'failure' in later) {
      unknown.push(node.name);
      continue;
    }
    const allocation = before.nodeStates.get(node.name)?.status?.allocation;
    draChanges.add(reached.interfaces, earlier, later, allocation === 'DRA');
    const resources = changedResources(earlier, later, reached.held);
    const findings = newFindings(earlier, later);
    if (resources.length === 0 && findings.length === 0) unchanged += 1;
    else nodes.push({ node: node.name, resources, findings });
  }
  const dra = draChanges.result();
  return {
    nodes,
    unchanged,
    unknown,
    ...(dra && { dra: only === undefined ? dra : { ...dra, created: [], deleted: [] } }),
  };
}

function changedResources(
  before: NodePlan,
  after: NodePlan,
  held: ReadonlyMap<string, number>,
): readonly ChangedResource[] {
  const byName = ({ resources }: NodePlan) => new Map(resources.map((resource) => [resource.name, resource]));
  const [earlierByName, laterByName] = [byName(before), byName(after)];
  return changesBetween(before, after, held).map((change) => {
    const [earlier, later] = [earlierByName.get(change.resource), laterByName.get(change.resource)];
    return {
      ...change,
      ...(earlier !== undefined && { before: earlier }),
      ...(later !== undefined && { after: later }),
    };
  });
}

/**
 * Returns the new findings. Findings of implicit exposure are omitted: it examines every link, and no policy asked for
 * the links that it skips.
 */
function newFindings(before: NodePlan, after: NodePlan): readonly Finding[] {
  const known = new Set([...before.skipped, ...before.conflicts].map((finding) => JSON.stringify(finding)));
  return [...after.conflicts, ...after.skipped].filter(
    (finding) => finding.source !== 'implicit' && !known.has(JSON.stringify(finding)),
  );
}
