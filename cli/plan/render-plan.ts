// SPDX-License-Identifier: Apache-2.0
import { summarizeBlast } from '../../policy/blast/blast-radius.ts';
import { count } from '../../policy/nodepolicy/warning.ts';
import {
  describeReason,
  describeTogether,
  type Finding,
  type NodePlan,
  type PlannedResource,
} from '../../policy/plan/node-plan.ts';
import { describeNodes, groupNodes } from '../../policy/why/node-scheduling.ts';
import { type Cell, printable, textTable } from '../../runtime/terminal-text.ts';
import { type Look, type OutputFormat, render, type Tone, wrapText } from '../output/look.ts';
import type { PlanChanges } from './plan-snapshot.ts';

/** Renders plans for a person or a script. A table fits into `width`, the number of columns of the terminal. */
export function renderPlans(plans: readonly NodePlan[], format: OutputFormat, width?: number): string {
  return render(plans, format, (given) => planTable(given, width));
}

function planTable(plans: readonly NodePlan[], width: number | undefined): string {
  const notes = findingLines(
    plans.flatMap(({ node, skipped, conflicts }) => [...conflicts, ...skipped].map((finding) => ({ node, finding }))),
    width,
  );
  return [resourceTable(plans, width), ...(notes.length === 0 ? [] : ['', 'Not exposed:', ...notes])].join('\n');
}

/**
 * Renders one row for each resource. A node without resources also has a row, so that it is not missing from the table.
 */
function resourceTable(plans: readonly NodePlan[], width: number | undefined): string {
  const rows = plans.flatMap(({ node, source, resources }) =>
    resources.length === 0
      ? [[node, '-', '-', '-', '-', source]]
      : resources.map((resource) => [node, ...cellsOf(resource)]),
  );
  return textTable(['NODE', 'RESOURCE', 'PARENT', 'MODE', 'QUANTITY', 'SOURCE'], rows, width);
}

function cellsOf({ name, parent, mode, quantity, source, policy }: PlannedResource): readonly string[] {
  return [name, parent, mode, String(quantity), policy === undefined ? source : `${source} ${policy}`];
}

const effects = {
  lost: { text: 'loses', tone: 'bad' },
  changed: { text: 'changes', tone: 'poor' },
  gained: { text: 'gains', tone: 'good' },
} as const satisfies Record<string, { text: string; tone: Tone }>;

/**
 * Renders changes for a person: first the changes of each node, then the totals, and then the resources that are not
 * exposed.
 */
export function renderChanges(changes: PlanChanges, { paint, width }: Look): string {
  const { nodes, unchanged, unknown } = changes;
  const rows = nodes.flatMap(({ node, resources }) =>
    resources.map(({ effect, resource, held, before, after }): readonly Cell[] => [
      node,
      { text: effects[effect].text, style: (text) => paint(effects[effect].tone, text) },
      resource,
      effect === 'gained' ? '-' : String(held),
      shortText(before),
      shortText(after),
    ]),
  );
  const notes = findingLines(
    nodes.flatMap(({ node, findings }) => findings.map((finding) => ({ node, finding }))),
    width,
  );
  const same = unchanged + nodes.filter(({ resources }) => resources.length === 0).length;
  const header = ['NODE', 'CHANGE', 'RESOURCE', 'HELD', 'BEFORE', 'AFTER'];
  return [
    ...(rows.length === 0 ? ['no resource of any node changes'] : [textTable(header, rows, width)]),
    ...section('In total:', sumUp(changes)),
    ...section('Dynamic resource allocation:', draLines(changes.dra)),
    ...section('Not exposed after the change:', notes),
    '',
    `${count(same, 'node')} unchanged`,
    ...(unknown.length === 0
      ? []
      : [`unknown, without interfaces in a MacvtapNetworkNodeState: ${describeNodes(unknown)}`]),
    ...(rows.some(([, , , held]) => held !== '-' && held !== '0')
      ? ['devices that pods hold keep their parent and mode until the pods end']
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

/** Renders what a change means for nodes that use DRA. Nodes with the same change share a line. */
function draLines(dra: PlanChanges['dra']): readonly string[] {
  if (dra === undefined) return [];
  const { devices, created, deleted, taints } = dra;
  const lines = <Item extends { readonly node: string }>(items: readonly Item[], text: (item: Item) => string) =>
    groupNodes(items, text).map(({ first, nodes }) => `  ${describeNodes(nodes)}: ${printable(text(first))}`);
  return [
    ...lines(devices, ({ before, after }) => `${after} devices in ResourceSlices, before ${before}`),
    ...created.map(({ deviceClass, resource }) => `  DeviceClass ${deviceClass} is created, for ${resource}`),
    ...deleted.map(
      ({ deviceClass, resource }) =>
        `  DeviceClass ${deviceClass} is deleted, for ${resource}; new pods and claims that use it stay Pending`,
    ),
    ...lines(taints, ({ resource, before, after, isLost }) => {
      const now = isLost ? '; the parent has no carrier now' : '';
      return `${resource}: taints without a carrier: ${after}${before === undefined ? '' : `, before ${before}`}${now}`;
    }),
  ];
}

function shortText(resource: PlannedResource | undefined): string {
  if (resource === undefined) return '-';
  const { parent, mode, quantity, policy, source } = resource;
  return `${parent} ${mode} ${quantity} (${policy ?? source})`;
}

/** A finding from a node's plan. */
export interface NodeFinding {
  readonly node: string;
  readonly finding: Finding;
}

/**
 * Renders findings for a person in the given order, with one line for each fact. Nodes with the same finding share a
 * line. Entries of a policy that find nothing for the same reason also share a line. Lines longer than `width` are
 * broken.
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
