// SPDX-License-Identifier: Apache-2.0
import type { Explained, Explanation } from '../../policy/why/explain.ts';
import { describeNodes } from '../../policy/why/node-scheduling.ts';
import { printable } from '../../runtime/terminal-text.ts';
import { type Look, type Paint, wrapCommand, wrapText } from '../output/look.ts';
import type { MissingPart } from '../view/view.ts';

/** The maximum number of columns of a line, because longer lines are hard to read. A narrower terminal has fewer. */
const mostColumns = 120;

interface Layout {
  readonly paint: Paint;
  readonly columns: number;
}

/**
 * Renders an explanation for a person: the subject, and then the causes in the order in which to fix them. Each cause
 * is a tree of steps that lead from the subject to the cause, with the fix below.
 */
export function renderExplanation(
  { subject, causes, notes, checked }: Explanation,
  { paint, width = mostColumns }: Look,
): string {
  const look = { paint, columns: Math.min(width, mostColumns) };
  const [first] = causes[0]?.steps ?? [];
  const head =
    first === undefined ? renderWell(subject, checked, look) : stepText(first.object, first.says, '', '  ', look);
  const found = causes.map((cause, index) => renderCause(cause, causes.length > 1 ? `${index + 1}. ` : '', look));
  const remarks = notes.map((note) => renderNote(note, look));
  return [head, ...found, ...(remarks.length === 0 ? [] : [['Worth knowing:', ...remarks].join('\n')])].join('\n\n');
}

function renderWell(subject: string, checked: Explanation['checked'], look: Layout): string {
  const lines = checked.map(({ object, says }) => stepText(object, says, '  ', '    ', look));
  return [look.paint('good', `Nothing is wrong with ${subject}.`), 'Checked:', ...lines].join('\n');
}

function renderCause({ code, detail, steps, fix, nodes }: Explained, number: string, look: Layout): string {
  const margin = ' '.repeat(number.length);
  const last = { object: code, says: detail };
  const tree = [...steps.slice(1), last].map(({ object, says }, depth) => {
    const branch = depth === 0 ? number : `${margin}${'   '.repeat(depth - 1)}└─ `;
    const text = stepText(object, says, branch, ' '.repeat(branch.length + 2), look);
    return object === code ? text.replace(code, look.paint('bad', code)) : text;
  });
  return [...tree, ...fixLines(fix, placeOf(nodes), margin, look)].join('\n');
}

function renderNote({ code, detail, fix, nodes }: Explained, look: Layout): string {
  const place = placeOf(nodes);
  const head = stepText(`${code}${place}`, detail, '  ', '    ', look);
  return [head.replace(code, look.paint('poor', code)), ...fixLines(fix, place, '    ', look)].join('\n');
}

/** @example ' on h1 and h2' */
function placeOf(nodes: readonly string[] | undefined): string {
  return nodes === undefined || nodes.length === 0 ? '' : ` on ${describeNodes(nodes)}`;
}

function fixLines(
  { text, onNode = [], commands }: Explained['fix'],
  place: string,
  indent: string,
  { columns }: Layout,
): readonly string[] {
  const copied = (lines: readonly string[]) =>
    lines.map((line) => wrapCommand(printable(line), columns, `${indent}    `));
  const end = onNode.length + commands.length === 0 ? '' : ':';
  return [
    wrapText(`Fix: ${printable(text)}${end}`, columns, indent, `${indent}  `),
    ...(onNode.length === 0 ? [] : [`${indent}  in a shell${place}:`, ...copied(onNode)]),
    ...(onNode.length > 0 && commands.length > 0 ? [`${indent}  then:`] : []),
    ...copied(commands),
  ];
}

function stepText(object: string, says: string, first: string, later: string, { columns }: Layout): string {
  return wrapText(printable(says === '' ? object : `${object}: ${says}`), columns, first, later);
}

/** The maximum number of node names in JSON. `nodeCount` is the actual number of nodes. */
const mostNodes = 100;

/** The JSON of an explanation. */
export interface WhyReport extends Pick<Explanation, 'subject' | 'checked'> {
  readonly isWell: boolean;
  readonly causes: readonly ReportedCause[];
  readonly notes: readonly ReportedCause[];
  /** Objects that could not be read from the cluster. The explanation does not cover them. */
  readonly missing: readonly MissingPart[];
}

type ReportedCause = Omit<Explained, 'isNote'> & { readonly nodeCount?: number };

export function toReport(explanation: Explanation, missing: readonly MissingPart[]): WhyReport {
  const { subject, causes, notes, checked } = explanation;
  return {
    subject,
    isWell: causes.length === 0,
    causes: causes.map(toReported),
    notes: notes.map(toReported),
    checked,
    missing,
  };
}

function toReported({ isNote: _, nodes, ...cause }: Explained): ReportedCause {
  return { ...cause, ...(nodes !== undefined && { nodes: nodes.slice(0, mostNodes), nodeCount: nodes.length }) };
}
