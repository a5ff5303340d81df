// SPDX-License-Identifier: Apache-2.0
import { describeNodes, groupNodes } from '../../policy/why/group-nodes.ts';
import { type Cell, printable, textTable } from '../../runtime/text-table.ts';
import type { Paint } from '../output/paint.ts';
import { wrapText } from '../output/wrap-text.ts';
import type { NodeStatus, PolicyStatus, ResourceStatus, StatusReport } from './status-report.ts';

export interface StatusLook {
  readonly paint: Paint;
  /** Columns of the terminal; undefined where there is none, and nothing is cut. */
  readonly width: number | undefined;
}

const tones = { Healthy: 'good', Degraded: 'poor', Unhealthy: 'bad' } as const;

/** Nodes with their resources, policies with what came of them, and below what is to be looked after. */
export function renderStatus({ nodes, policies = [], isOfFiles = false }: StatusReport, look: StatusLook): string {
  const notes = [
    ...(nodes.some(({ resources }) => resources.some(isHeldElsewhere)) ? [stayingNote] : []),
    // What holds of many nodes is told once.
    ...groupNodes(nodes.flatMap(nodeNotes), ({ text }) => text).map(
      ({ first, nodes: names }) => `${describeNodes(names)}: ${first.text}`,
    ),
    ...policies.flatMap((policy) => policyNotes(policy, isOfFiles)),
  ].map((note) => look.paint('poor', look.width === undefined ? note : wrapText(note, look.width, '', '  ')));
  return [
    nodes.length === 0 ? 'no node is known' : nodeTable(nodes, look),
    ...(policies.length === 0 ? [] : ['', policyTable(policies, look)]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}

const stayingNote = 'before an edit: devices that pods hold stay as they were given out until the pods end';

function isHeldElsewhere({ heldElsewhere = [] }: ResourceStatus): boolean {
  return heldElsewhere.length > 0;
}

function nodeTable(nodes: readonly NodeStatus[], { paint, width }: StatusLook): string {
  const rows = nodes.flatMap((node): Cell[][] =>
    node.resources.length === 0
      ? [[node.name, '-', '-', '-', '-', '-', node.source ?? 'unknown']]
      : node.resources.flatMap((resource) => [
          [node.name, ...resourceCells(resource, paint)],
          ...elsewhereCells(resource).map((cells) => [node.name, ...cells]),
        ]),
  );
  return textTable(['NODE', 'RESOURCE', 'PARENT', 'MODE', 'HELD', 'HEALTH', 'SOURCE'], rows, width);
}

function resourceCells(resource: ResourceStatus, paint: Paint): readonly Cell[] {
  const { name, parent, mode, held, quantity, health, code, source, policy } = resource;
  const text = [health ?? 'unknown', ...(code === undefined ? [] : [code])].join(' ');
  return [
    name,
    parent ?? '-',
    mode ?? '-',
    `${held ?? '?'}/${quantity}`,
    health === undefined ? text : { text, style: (padded) => paint(tones[health], padded) },
    policy ?? source,
  ];
}

/** What an edit moved the resource away from: a row below for each place where devices are still held. */
function elsewhereCells({ name, held = 0, heldElsewhere = [] }: ResourceStatus): readonly (readonly Cell[])[] {
  return heldElsewhere.map((place) => [
    name,
    place.parent,
    place.mode,
    `${place.held} of ${held}`,
    '-',
    'before an edit',
  ]);
}

function policyTable(policies: readonly PolicyStatus[], { paint, width }: StatusLook): string {
  const rows = policies.map((policy): Cell[] => {
    const cell = (type: string, good: string): Cell => {
      const condition = policy.conditions.find((one) => one.type === type);
      if (condition === undefined) return '-';
      const { status, reason } = condition;
      if (status === good) return { text: status, style: (text) => paint('good', text) };
      return { text: `${status} ${reason}`, style: (text) => paint(status === 'Unknown' ? 'poor' : 'bad', text) };
    };
    const nodes = policy.matchedNodes === undefined ? '-' : `${policy.exposingNodes ?? '?'}/${policy.matchedNodes}`;
    return [policy.name, cell('Accepted', 'True'), cell('Exposed', 'True'), cell('Conflicted', 'False'), nodes];
  });
  return textTable(['POLICY', 'ACCEPTED', 'EXPOSED', 'CONFLICTED', 'NODES'], rows, width);
}

function nodeNotes({ name: node, doubts, conflicts, troubles }: NodeStatus) {
  const texts = [
    ...doubts,
    ...troubles.map(({ code, message }) => `${code}: ${message}`),
    ...conflicts.map(({ name: loser, code, message }) => `${code}: ${message ?? loser}`),
  ];
  return texts.map((text) => ({ node, text: printable(text) }));
}

function policyNotes({ name, conditions, isBehind }: PolicyStatus, isOfFiles: boolean): readonly string[] {
  if (conditions.length === 0)
    return isOfFiles ? [] : [`${name}: has no conditions yet: the webhook's leader writes them`];
  return isBehind ? [`${name}: its conditions are of an older generation than the policy`] : [];
}
