// SPDX-License-Identifier: Apache-2.0
import { describeReason, describeTogether } from '../../policy/plan/describe-finding.ts';
import type { Finding } from '../../policy/plan/node-plan.ts';
import { describeNodes, groupNodes } from '../../policy/why/group-nodes.ts';
import { printable } from '../../runtime/text-table.ts';
import { wrapText } from '../output/wrap-text.ts';

/** A finding of a node's plan. */
export interface NodeFinding {
  readonly node: string;
  readonly finding: Finding;
}

/**
 * Findings as a person reads them, a line for each fact: what holds on several nodes is told once, and entries of one
 * policy that find nothing for the same reason stand together. In the order in which they come. With the columns of a
 * terminal a longer line is broken.
 *
 * @example '  h1 and h2  NothingFound  macvtap-cni/p[1] eth7, [2] eth8: no interface of the node matches'
 */
export function findingLines(findings: readonly NodeFinding[], width?: number): readonly string[] {
  const onNodes = groupNodes(findings, ({ finding }) => JSON.stringify(finding));
  const facts = Map.groupBy(onNodes, ({ first: { finding }, nodes }) => {
    const { code, source, policy } = finding;
    return JSON.stringify([code, source, policy, describeReason(finding), nodes]);
  });
  return [...facts.values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const { finding } = first.first;
    const text = describeTogether([finding, ...rest.map((other) => other.first.finding)]);
    const line = `${describeNodes(first.nodes)}  ${finding.code}  ${printable(text)}`;
    return [width === undefined ? `  ${line}` : wrapText(line, width, '  ', '    ')];
  });
}
