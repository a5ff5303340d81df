// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import { changesBetween } from '../../policy/blast/blast-of-node.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { deviceIDs } from '../../policy/device/device-id.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';

/** What became of a node, before and after; what is not `same` is no proof. */
export interface NodeProof {
  readonly node: string;
  /** What its resources come from now. */
  readonly source: string;
  readonly verdict: 'same' | 'differs' | 'unknown';
  readonly resources: number;
  readonly devices: number;
  /** Why it is not the same. */
  readonly why: string;
}

/**
 * Compares every node's plan under the configuration with that under the policies beside it, and with that under the
 * policies alone: nothing may change when they are applied, and nothing when the config map goes.
 */
export function provePlans(
  before: Snapshot,
  policies: readonly Policy[],
  exposure: ImplicitExposure | undefined,
): readonly NodeProof[] {
  const beside = { ...before, policies: [...before.policies, ...policies] };
  const steps = [
    { step: 'with the policies', wanted: wantedFrom(beside, exposure) },
    { step: 'without the config map', wanted: wantedFrom({ ...beside, explicit: undefined }, exposure) },
  ];
  const now = wantedFrom(before, exposure);
  return [...before.nodes.values()]
    .sort((left, right) => compareNatural(left.name, right.name))
    .map((node): NodeProof => {
      const reached = readNode(node, before.nodeStates.get(node.name));
      if (reached === undefined) {
        const why = 'its interfaces are not known: it has no MacvtapNetworkNodeState that lists them';
        return { node: node.name, source: 'unknown', verdict: 'unknown', resources: 0, devices: 0, why };
      }
      const plan = planNode(node, reached.interfaces, now);
      const faults = steps.flatMap(({ step, wanted }) =>
        differences(plan, planNode(node, reached.interfaces, wanted)).map((difference) => `${step}: ${difference}`),
      );
      return {
        node: node.name,
        source: plan.source,
        verdict: faults.length === 0 ? 'same' : 'differs',
        resources: plan.resources.length,
        devices: idsOf(plan).length,
        why: faults.join('; '),
      };
    });
}

function differences(before: NodePlan, after: NodePlan): readonly string[] {
  const changes = changesBetween(before, after, new Map()).map(
    ({ resource, effect, how }) => `${resource} ${effect}${how === '' ? '' : ` (${how})`}`,
  );
  // Pods hold devices by their IDs; they are to be those that kubelet knows.
  const later = new Set(idsOf(after));
  const isSame = idsOf(before).length === later.size && idsOf(before).every((id) => later.has(id));
  return changes.length === 0 && !isSame ? ['device IDs differ'] : changes;
}

function idsOf({ resources }: NodePlan): readonly string[] {
  return resources.flatMap(({ name, quantity }) => deviceIDs(name, quantity));
}
