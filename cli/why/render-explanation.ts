// SPDX-License-Identifier: Apache-2.0
import type { Explained, Explanation } from '../../policy/why/explain.ts';
import { describeNodes } from '../../policy/why/group-nodes.ts';
import { printable } from '../../runtime/text-table.ts';
import type { Paint } from '../output/paint.ts';
import { wrapCommand, wrapText } from './wrap-text.ts';

const columns = 120;

/**
 * For a person: the subject, and for each cause the way to it as a tree that ends in the cause, and what mends it. The one
 * to mend first comes first.
 */
export function renderExplanation({ subject, causes, notes, checked }: Explanation, paint: Paint): string {
  const [first] = causes[0]?.steps ?? [];
  const head = first === undefined ? renderWell(subject, checked, paint) : stepText(first.object, first.says, '', '  ');
  const found = causes.map((cause, index) => renderCause(cause, causes.length > 1 ? `${index + 1}. ` : '', paint));
  const told = notes.map((note) => renderNote(note, paint));
  return [head, ...found, ...(told.length === 0 ? [] : [['Worth knowing:', ...told].join('\n')])].join('\n\n');
}

function renderWell(subject: string, checked: Explanation['checked'], paint: Paint): string {
  const lines = checked.map(({ object, says }) => stepText(object, says, '  ', '    '));
  return [paint('good', `Nothing is wrong with ${subject}.`), 'Looked at:', ...lines].join('\n');
}

function renderCause({ code, detail, steps, fix, nodes }: Explained, number: string, paint: Paint): string {
  const margin = ' '.repeat(number.length);
  const last = { object: code, says: detail };
  const tree = [...steps.slice(1), last].map(({ object, says }, depth) => {
    const branch = depth === 0 ? number : `${margin}${'   '.repeat(depth - 1)}└─ `;
    const text = stepText(object, says, branch, ' '.repeat(branch.length + 2));
    return object === code ? text.replace(code, paint('bad', code)) : text;
  });
  return [...tree, ...fixLines(fix, placeOf(nodes), margin)].join('\n');
}

function renderNote({ code, detail, fix, nodes }: Explained, paint: Paint): string {
  const place = placeOf(nodes);
  const head = stepText(`${code}${place}`, detail, '  ', '    ');
  return [head.replace(code, paint('poor', code)), ...fixLines(fix, place, '    ')].join('\n');
}

/** ` on h1 and h2` */
function placeOf(nodes: readonly string[] | undefined): string {
  return nodes === undefined || nodes.length === 0 ? '' : ` on ${describeNodes(nodes)}`;
}

function fixLines({ text, onNode = [], commands }: Explained['fix'], place: string, indent: string): readonly string[] {
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

function stepText(object: string, says: string, first: string, later: string): string {
  return wrapText(printable(says === '' ? object : `${object}: ${says}`), columns, first, later);
}
