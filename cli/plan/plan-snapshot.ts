// SPDX-License-Identifier: Apache-2.0
import { wantedFrom } from '../../cluster/cluster-flags.ts';
import { compareNatural } from '../../policy/names.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { type ImplicitExposure, tryPlan } from '../../policy/plan/plan-node.ts';
import { nameNodes } from '../../policy/why/node-scheduling.ts';
import type { View } from '../view/view.ts';

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
