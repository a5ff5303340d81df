// SPDX-License-Identifier: Apache-2.0
import { summarizeBlast } from '../../policy/blast/summarize-blast.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { describeNodes } from '../../policy/why/group-nodes.ts';
import { type Cell, printable, textTable } from '../../runtime/text-table.ts';
import type { Paint, Tone } from '../output/paint.ts';
import type { PlanChanges } from './compare-snapshots.ts';
import { findingLines } from './finding-lines.ts';

export interface ChangesLook {
  readonly paint: Paint;
  readonly width: number | undefined;
}

const effects = {
  lost: { text: 'loses', tone: 'bad' },
  changed: { text: 'changes', tone: 'poor' },
  gained: { text: 'gains', tone: 'good' },
} as const satisfies Record<string, { text: string; tone: Tone }>;

/** Changes as a person reads them: each of each node, then the same added up, and what is not exposed. */
export function renderChanges(changes: PlanChanges, { paint, width }: ChangesLook): string {
  const { nodes, unchanged, unknown } = changes;
  const rows = nodes.flatMap(({ node, resources }) =>
    resources.map(({ effect, resource, held, before, after }): readonly Cell[] => [
      node,
      { text: effects[effect].text, style: (text) => paint(effects[effect].tone, text) },
      resource,
      effect === 'gained' ? '-' : String(held),
      inShort(before),
      inShort(after),
    ]),
  );
  const notes = findingLines(
    nodes.flatMap(({ node, findings }) => findings.map((finding) => ({ node, finding }))),
    width,
  );
  const same = unchanged + nodes.filter(({ resources }) => resources.length === 0).length;
  const header = ['NODE', 'CHANGE', 'RESOURCE', 'HELD', 'BEFORE', 'AFTER'];
  return [
    ...(rows.length === 0 ? ['no node changes what it exposes'] : [textTable(header, rows, width)]),
    ...section('All together:', sumUp(changes)),
    ...section('Not exposed then:', notes),
    '',
    `${countOf(same)} stay${same === 1 ? 's' : ''} as ${same === 1 ? 'it is' : 'they are'}`,
    ...(unknown.length === 0 ? [] : [`not known, without interfaces in a NodeState: ${describeNodes(unknown)}`]),
    ...(rows.some(([, , , held]) => held !== '-' && held !== '0')
      ? ['devices that pods hold stay what they are until the pods end']
      : []),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function sumUp({ nodes }: PlanChanges): readonly string[] {
  const summary = summarizeBlast();
  for (const { node, resources } of nodes) summary.add(node, resources);
  return summary.verdicts().map(({ code, detail }) => `  ${code}  ${printable(detail)}`);
}

function inShort(resource: PlannedResource | undefined): string {
  if (resource === undefined) return '-';
  const { parent, mode, quantity, policy, source } = resource;
  return `${parent} ${mode} ${quantity} (${policy ?? source})`;
}

function countOf(nodes: number): string {
  return `${nodes} node${nodes === 1 ? '' : 's'}`;
}
