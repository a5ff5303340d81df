// SPDX-License-Identifier: Apache-2.0

import { wantedFrom } from '../../cluster/cluster-flags.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { changesBetween } from '../../policy/blast/blast-of-node.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { deviceIDs } from '../../policy/device/device-id.ts';
import { compareNatural } from '../../policy/names.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { type ImplicitExposure, planNode } from '../../policy/plan/plan-node.ts';

/**
 * The comparison of a node's plans before and after the migration. Only the verdict `same` proves that nothing changes.
 */
export interface NodeProof {
  readonly node: string;
  /** The current source of the node's resources. */
  readonly source: string;
  readonly verdict: 'same' | 'differs' | 'unknown';
  readonly resources: number;
  readonly devices: number;
  /** The differences, or the reason why the node cannot be compared. */
  readonly why: string;
}

/**
 * Compares each node's current plan with its plan after each step of the migration. The first step applies the policies
 * while macvtap-cni's config map still exists. The second step deletes the config map. A plan must not change in either
 * step.
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
        const why = 'interfaces not known: no MacvtapNetworkNodeState lists them';
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
  // The IDs must stay the same, because pods hold devices by ID and kubelet must find these IDs again.
  const later = new Set(idsOf(after));
  const isSame = idsOf(before).length === later.size && idsOf(before).every((id) => later.has(id));
  return changes.length === 0 && !isSame ? ['device IDs differ'] : changes;
}

function idsOf({ resources }: NodePlan): readonly string[] {
  return resources.flatMap(({ name, quantity }) => deviceIDs(name, quantity));
}
