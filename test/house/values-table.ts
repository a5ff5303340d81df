// SPDX-License-Identifier: Apache-2.0
import { parse } from 'yaml';

/** A value of the chart that a user may set. */
interface ValueRow {
  /** @example 'webhook.replicas' */
  readonly path: string;
  /** As written in values.yaml. */
  readonly value: unknown;
  /** The comment above it. */
  readonly meaning: string;
}

/**
 * Returns the values in a values.yaml: every key below a comment, whatever its value is. A key without a comment may
 * only group others. Any other key without a comment is an error, because every value needs an explanation.
 */
export function readValueRows(text: string): readonly ValueRow[] {
  const rows: ValueRow[] = [];
  let comment: string[] = [];
  /** The keys on the path to the current line. */
  let path: readonly string[] = [];
  /** The level of the last key with a comment, which also explains the keys below it. */
  let explained = Number.POSITIVE_INFINITY;
  for (const line of text.split('\n')) {
    const [, spaces = '', key, rest = ''] = /^( *)([\w.\-/]+):(.*)$/.exec(line) ?? [];
    const remark = /^ *# ?(.*)$/.exec(line)?.[1];
    if (remark !== undefined) comment.push(remark);
    else if (key === undefined) comment = [];
    else {
      const level = spaces.length / 2;
      path = [...path.slice(0, level), key];
      if (level > explained) continue;
      explained = comment.length > 0 ? level : Number.POSITIVE_INFINITY;
      if (comment.length > 0)
        rows.push({ path: path.join('.'), value: valueAt(text, path), meaning: comment.join(' ') });
      else if (rest.trim() !== '') throw new Error(`values.yaml: ${path.join('.')} has no comment`);
      comment = [];
    }
  }
  return rows;
}

/** Renders the table of a values.yaml. Each column is as wide as its widest cell. */
export function renderValuesTable(text: string): string {
  const cells = readValueRows(text).map(({ path, value, meaning }) => [
    `\`${path}\``,
    `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``,
    meaning.replaceAll('|', '\\|'),
  ]);
  const lines = [['value', 'default', 'meaning'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |\n`;
  const [head = [], ...rest] = lines;
  return [head, widths.map((width) => '-'.repeat(width)), ...rest].map(render).join('');
}

function valueAt(text: string, path: readonly string[]): unknown {
  return path.reduce((value: unknown, key) => (value as Readonly<Record<string, unknown>>)[key], parse(text));
}
