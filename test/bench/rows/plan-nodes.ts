// SPDX-License-Identifier: Apache-2.0
import { type Policy, readPolicy } from '../../../policy/nodepolicy/read-policy.ts';
import { type InterfaceFacts, readInterface } from '../../../policy/plan/interfaces.ts';
import { matchNode } from '../../../policy/plan/match-labels.ts';
import type { NodePlan } from '../../../policy/plan/node-plan.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import { exposeAll, policyNamespace } from '../../fixtures/plan/build-example.ts';
import { buildCluster, type ClusterObjects } from '../build-cluster.ts';
import { measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';

const size = { nodes: 5_000, policies: 100 };
const rounds = 5;

/** A cluster whose objects were read, as a process stores it between two changes. */
interface Cluster extends Pick<ClusterObjects, 'nodes'> {
  readonly interfaces: readonly (readonly InterfaceFacts[])[];
  readonly policies: readonly Policy[];
}

/**
 * Measures how long it takes to plan all nodes of a large cluster again. For comparison, measures how long it takes
 * only to parse the same objects from their JSON.
 */
export const planNodes: BenchRow = {
  name: 'plan-nodes',
  needsRoot: false,
  async measure(report) {
    const objects = buildCluster(size.nodes, size.policies);
    const text = JSON.stringify(objects);
    const cluster = readCluster(objects);
    report(describe(cluster, planAll(cluster)));
    const samples = await interleave(
      { rounds, warmUp: 1 },
      {
        planning: async () => [await timeMs(() => planAll(cluster))],
        reading: async () => [await timeMs(() => planAll(readCluster(objects)))],
        parsing: async () => [await timeMs(() => JSON.parse(text))],
      },
    );
    const beside = {
      title: `JSON.parse of the same ${(text.length / 1e6).toFixed(0)} MB`,
      ...measurement(samples.parsing, 0.5),
    };
    const rest = { unit: 'ms', beside, reach: { valueAtMost: 1_000 } } as const;
    const what = `${size.nodes} nodes × ${size.policies} policies × 16 interfaces`;
    return [
      { title: `plan ${what}`, ...measurement(samples.planning, 0.5), ...rest },
      { title: 'the same, objects read first', ...measurement(samples.reading, 0.5), ...rest },
    ];
  },
};

function readCluster({ nodes, nodeStates, policies }: ClusterObjects): Cluster {
  return {
    nodes,
    interfaces: nodeStates.map(({ status }) => (status?.interfaces ?? []).map(readInterface)),
    policies: policies.map((policy) => readPolicy(policy, { policyNamespace })),
  };
}

function planAll({ nodes, interfaces, policies }: Cluster): readonly NodePlan[] {
  const wanted = { policies, explicit: undefined, implicit: exposeAll };
  return nodes.map((node, index) => planNode(node, interfaces[index] ?? [], wanted));
}

/**
 * Describes the content of the plans, so that empty plans are not measured. Throws if a policy is invalid or a plan is
 * wrong.
 */
function describe({ nodes, interfaces, policies }: Cluster, plans: readonly NodePlan[]): string {
  const faults = policies.flatMap(({ id, faults }) => faults.map(({ path, code }) => `${id} ${path}: ${code}`));
  if (faults.length > 0) throw new Error(`a policy is refused: ${faults.join('; ')}`);
  const active = new Set(
    plans.flatMap(({ resources, conflicts }) => [...resources, ...conflicts]).map(({ policy }) => policy),
  );
  const idle = policies.filter(({ id }) => !active.has(id));
  if (idle.length > 0) throw new Error(`policies cause nothing: ${idle.map(({ id }) => id).join()}`);
  if (interfaces.some(({ length }) => length !== 16)) throw new Error('a node does not have 16 interfaces');
  const count = (what: (plan: NodePlan) => readonly unknown[]) =>
    plans.reduce((sum, plan) => sum + what(plan).length, 0);
  const selected = nodes.reduce(
    (sum, node) => sum + policies.filter((policy) => matchNode(node, policy.nodes)).length,
    0,
  );
  return (
    `${(selected / nodes.length).toFixed(1)} policies select a node on average; ` +
    `${count(({ resources }) => resources)} resources, ${count(({ conflicts }) => conflicts)} conflicts, ` +
    `${count(({ skipped }) => skipped)} skipped`
  );
}
