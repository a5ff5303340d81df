// SPDX-License-Identifier: Apache-2.0
import { wantedFrom } from '../../cluster/wanted.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { readInterface } from '../../policy/plan/interface-facts.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import { nameNodes } from '../../policy/why/group-nodes.ts';
import type { View } from '../view/view.ts';

/** The plans of all nodes, or of one, and what a person must mend first, each as a line. */
export function planSnapshot(
  { snapshot, missing, client }: Pick<View, 'snapshot' | 'missing' | 'client'>,
  exposure: ImplicitExposure | undefined,
  only: string | undefined,
): { plans: readonly NodePlan[]; faults: readonly string[] } {
  const isLive = client !== undefined;
  const names = [...snapshot.nodes.keys()].filter((name) => only === undefined || name === only).sort(compareNatural);
  const faults = names.length > 0 || isMissing('Nodes') ? [] : [tellNoNode(only, isLive)];
  const plans: NodePlan[] = [];
  const blind: string[] = [];
  for (const name of names) {
    const node = snapshot.nodes.get(name);
    const interfaces = snapshot.nodeStates.get(name)?.status?.interfaces;
    if (node === undefined) continue;
    if (interfaces !== undefined)
      plans.push(planNode(node, interfaces.map(readInterface), wantedFrom(snapshot, exposure)));
    else if (!isMissing('MacvtapNetworkNodeStates')) blind.push(name);
  }
  if (blind.length > 0) faults.push(tellNoInterfaces(blind, isLive));
  return { plans, faults };

  function isMissing(what: string): boolean {
    return missing.some((part) => part.what === what);
  }
}

function tellNoNode(only: string | undefined, isLive: boolean): string {
  if (isLive) return only === undefined ? 'the cluster has no Node' : `Node ${only}: not in the cluster; check --node`;
  return only === undefined
    ? 'no Node among the files; add one'
    : `Node ${only}: not among the files; add it or check --node`;
}

function tellNoInterfaces(names: readonly string[], isLive: boolean): string {
  const isOne = names.length === 1;
  const unknown = `${nameNodes(names)}: ${isOne ? 'its' : 'their'} interfaces are not known`;
  return isLive
    ? `${unknown}: ${isOne ? 'it has' : 'they have'} no MacvtapNetworkNodeState; see whether the node plugin runs there`
    : `${unknown}; list them in a MacvtapNetworkNodeState ${isOne ? names[0] : 'of each'}, in status.interfaces`;
}
