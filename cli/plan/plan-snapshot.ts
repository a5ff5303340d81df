// SPDX-License-Identifier: Apache-2.0
import type { Source } from '../../cluster/source.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { readInterface } from '../../policy/plan/interface-facts.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';

/** The plans of all nodes, or of one, and what a person must mend first, each as a line. */
export function planSnapshot(
  { snapshot, synced, faults }: Pick<Source, 'snapshot' | 'synced' | 'faults'>,
  exposure: ImplicitExposure | undefined,
  only: string | undefined,
): { plans: readonly NodePlan[]; faults: readonly string[] } {
  const lines = faults.map(({ where, message }) => `${where}: ${message}`);
  // What was never read tells nothing of what is missing from it.
  if (!synced) return { plans: [], faults: lines };
  const names = [...snapshot.nodes.keys()].filter((name) => only === undefined || name === only).sort(compareNatural);
  if (names.length === 0) {
    lines.push(
      only === undefined
        ? 'no Node among the files; add one'
        : `Node ${only}: not among the files; add it or check --node`,
    );
  }
  const plans: NodePlan[] = [];
  for (const name of names) {
    const node = snapshot.nodes.get(name);
    const interfaces = snapshot.nodeStates.get(name)?.status?.interfaces;
    if (node === undefined) continue;
    if (interfaces === undefined) {
      lines.push(
        `Node ${name}: its interfaces are not known; list them in a MacvtapNetworkNodeState ${name}, in status.interfaces`,
      );
      continue;
    }
    plans.push(planNode(node, interfaces.map(readInterface), wantedFrom(snapshot, exposure)));
  }
  return { plans, faults: lines };
}
