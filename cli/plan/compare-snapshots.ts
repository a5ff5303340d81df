// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import { changesBetween, type ResourceChange } from '../../policy/blast/blast-of-node.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { Finding, NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';

/** What a change of the cluster does to its nodes. */
export interface PlanChanges {
  /** Those of whose resources anything changes, in natural order of their names. */
  readonly nodes: readonly NodeChange[];
  /** How many nodes stay as they are. */
  readonly unchanged: number;
  /** Nodes of which nobody told the interfaces, so that nothing is known of them. */
  readonly unknown: readonly string[];
}

interface NodeChange {
  readonly node: string;
  readonly resources: readonly ChangedResource[];
  /** What is not exposed after the change and was not told before it. */
  readonly findings: readonly Finding[];
}

interface ChangedResource extends ResourceChange {
  readonly before?: PlannedResource;
  readonly after?: PlannedResource;
}

/** Plans every node, or one, before and after; nothing else of the cluster is known to change. */
export function compareSnapshots(
  before: Snapshot,
  after: Snapshot,
  exposure: ImplicitExposure | undefined,
  only: string | undefined,
): PlanChanges {
  const [wantedBefore, wantedAfter] = [wantedFrom(before, exposure), wantedFrom(after, exposure)];
  const nodes: NodeChange[] = [];
  const unknown: string[] = [];
  let unchanged = 0;
  for (const node of [...before.nodes.values()].sort((left, right) => compareNatural(left.name, right.name))) {
    if (only !== undefined && node.name !== only) continue;
    const reached = readNode(node, before.nodeStates.get(node.name));
    if (reached === undefined) {
      unknown.push(node.name);
      continue;
    }
    const earlier = planNode(node, reached.interfaces, wantedBefore);
    const later = planNode(node, reached.interfaces, wantedAfter);
    const resources = changedResources(earlier, later, reached.held);
    const findings = newFindings(earlier, later);
    if (resources.length === 0 && findings.length === 0) unchanged += 1;
    else nodes.push({ node: node.name, resources, findings });
  }
  return { nodes, unchanged, unknown };
}

function changedResources(
  before: NodePlan,
  after: NodePlan,
  held: ReadonlyMap<string, number>,
): readonly ChangedResource[] {
  const find = ({ resources }: NodePlan, name: string) => resources.find((resource) => resource.name === name);
  return changesBetween(before, after, held).map((change) => {
    const [earlier, later] = [find(before, change.resource), find(after, change.resource)];
    return {
      ...change,
      ...(earlier !== undefined && { before: earlier }),
      ...(later !== undefined && { after: later }),
    };
  });
}

/** Implicit exposure looks at every link: what it passes over is nobody's wish. */
function newFindings(before: NodePlan, after: NodePlan): readonly Finding[] {
  const told = new Set([...before.skipped, ...before.conflicts].map((finding) => JSON.stringify(finding)));
  return [...after.conflicts, ...after.skipped].filter(
    (finding) => finding.source !== 'implicit' && !told.has(JSON.stringify(finding)),
  );
}
