// SPDX-License-Identifier: Apache-2.0
import type { Explained, Explanation } from '../../policy/why/explain.ts';
import { describeNodes } from '../../policy/why/group-nodes.ts';
import { printable } from '../../runtime/text-table.ts';
import type { Paint } from '../output/paint.ts';
import { wrapCommand, wrapText } from '../output/wrap-text.ts';

/** As many columns as a person reads at ease, and fewer where the terminal has fewer. */
const mostColumns = 120;

export interface ExplanationLook {
  readonly paint: Paint;
  /** Columns of the terminal; undefined where there is none. */
  readonly width: number | undefined;
}

interface Look {
  readonly paint: Paint;
  readonly columns: number;
}

/**
 * For a person: the subject, and for each cause the way to it as a tree that ends in the cause, and what mends it. The one
 * to mend first comes first.
 */
export function renderExplanation(
  { subject, causes, notes, checked }: Explanation,
  { paint, width = mostColumns }: ExplanationLook,
): string {
  const look = { paint, columns: Math.min(width, mostColumns) };
  const [first] = causes[0]?.steps ?? [];
  const head =
    first === undefined ? renderWell(subject, checked, look) : stepText(first.object, first.says, '', '  ', look);
  const found = causes.map((cause, index) => renderCause(cause, causes.length > 1 ? `${index + 1}. ` : '', look));
  const told = notes.map((note) => renderNote(note, look));
  return [head, ...found, ...(told.length === 0 ? [] : [['Worth knowing:', ...told].join('\n')])].join('\n\n');
}

function renderWell(subject: string, checked: Explanation['checked'], look: Look): string {
  const lines = checked.map(({ object, says }) => stepText(object, says, '  ', '    ', look));
  return [look.paint('good', `Nothing is wrong with ${subject}.`), 'Looked at:', ...lines].join('\n');
}

function renderCause({ code, detail, steps, fix, nodes }: Explained, number: string, look: Look): string {
  const margin = ' '.repeat(number.length);
  const last = { object: code, says: detail };
  const tree = [...steps.slice(1), last].map(({ object, says }, depth) => {
    const branch = depth === 0 ? number : `${margin}${'   '.repeat(depth - 1)}└─ `;
    const text = stepText(object, says, branch, ' '.repeat(branch.length + 2), look);
    return object === code ? text.replace(code, look.paint('bad', code)) : text;
  });
  return [...tree, ...fixLines(fix, placeOf(nodes), margin, look)].join('\n');
}

function renderNote({ code, detail, fix, nodes }: Explained, look: Look): string {
  const place = placeOf(nodes);
  const head = stepText(`${code}${place}`, detail, '  ', '    ', look);
  return [head.replace(code, look.paint('poor', code)), ...fixLines(fix, place, '    ', look)].join('\n');
}

/** ` on h1 and h2` */
function placeOf(nodes: readonly string[] | undefined): string {
  return nodes === undefined || nodes.length === 0 ? '' : ` on ${describeNodes(nodes)}`;
}

function fixLines(
  { text, onNode = [], commands }: Explained['fix'],
  place: string,
  indent: string,
  { columns }: Look,
): readonly string[] {
  const copied = (lines: readonly string[]) =>
    lines.map((line) => wrapCommand(printable(line), columns, `${indent}    `));
  const end = onNode.length + commands.length === 0 ? '' : ':';
  return [
    wrapText(`Fix: ${printable(text)}${end}`, columns, indent, `${indent}  `),
    ...(onNode.length === 0 ? [] : [`${indent}  at a shell${place}:`, ...copied(onNode)]),
    ...(onNode.length > 0 && commands.length > 0 ? [`${indent}  then:`] : []),
    ...copied(commands),
  ];
}

function stepText(object: string, says: string, first: string, later: string, { columns }: Look): string {
  return wrapText(printable(says === '' ? object : `${object}: ${says}`), columns, first, later);
}
