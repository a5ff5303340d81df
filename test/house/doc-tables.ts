// SPDX-License-Identifier: Apache-2.0
import { certificateProblemCodes } from '../../certs/served-certificate.ts';
import { commands } from '../../cli/commands.ts';
import { sourceMetrics } from '../../cluster/open-source.ts';
import { eventReasons } from '../../cluster/report/events/cluster-event.ts';
import { eventMetrics } from '../../cluster/report/events/event-writer.ts';
import { nodePluginLine } from '../../nodeplugin/config.ts';
import { nodePluginMetrics } from '../../nodeplugin/work-metrics.ts';
import { reasonFixes } from '../../policy/reason-fixes.ts';
import { reasons } from '../../policy/reasons.ts';
import { conditionReasons } from '../../policy/status/decide-status.ts';
import { causes } from '../../policy/why/cause.ts';
import { errorCodes, errorFixes } from '../../runtime/errors.ts';
import type { Flags } from '../../runtime/flags.ts';
import { processMetrics } from '../../runtime/metrics.ts';
import { webhookLine } from '../../webhook/config.ts';
import { refusalReasons } from '../../webhook/intake/limits.ts';
import { webhookMetrics } from '../../webhook/telemetry/webhook-metrics.ts';
import { readAlertRules } from '../prometheus/alert-rules.ts';

/**
 * A table on a page, whose rows come from the code. In each row, the first cell is a name in the code, and the second
 * cell is its text. If `fixes` is set, the third cell is the name's fix, and the row has an anchor to which messages
 * refer.
 */
export interface DocTable {
  readonly page: string;
  /** The heading of the first column; it identifies the table on its page. */
  readonly title:
    | 'code'
    | 'reason'
    | 'flag'
    | 'value'
    | 'alert'
    | 'refusal'
    | 'machine'
    | 'figure'
    | `metric of ${string}`;
  readonly rows: Readonly<Record<string, string>>;
  readonly fixes?: Readonly<Record<string, string>>;
}

export const docTables: readonly DocTable[] = [
  { page: 'docs/reference/reasons.md', title: 'code', rows: reasons, fixes: reasonFixes },
  { page: 'docs/reference/status.md', title: 'reason', rows: conditionReasons },
  { page: 'docs/reference/errors.md', title: 'code', rows: errorCodes, fixes: errorFixes },
  { page: 'docs/reference/events.md', title: 'reason', rows: eventReasons },
  { page: 'docs/reference/why.md', title: 'code', rows: causes },
  { page: 'docs/reference/node-plugin.md', title: 'flag', rows: flagRows(nodePluginLine.flags) },
  { page: 'docs/reference/webhook.md', title: 'flag', rows: flagRows(webhookLine.flags) },
  { page: 'docs/reference/kubectl-macvtap.md', title: 'flag', rows: await commandFlagRows() },
  { page: 'docs/reference/webhook.md', title: 'code', rows: certificateProblemCodes },
  { page: 'docs/how-to/monitor.md', title: 'metric of the webhook', rows: webhookMetrics },
  { page: 'docs/how-to/monitor.md', title: 'metric of the node plugin', rows: nodePluginMetrics },
  {
    page: 'docs/how-to/monitor.md',
    title: 'metric of both',
    rows: { ...sourceMetrics, ...eventMetrics, ...processMetrics },
  },
  { page: 'docs/how-to/monitor.md', title: 'refusal', rows: refusalReasons },
  { page: 'docs/how-to/monitor.md', title: 'alert', rows: alertRows() },
];

/** Returns a complete table from the text of its page. Throws if there is not exactly one. */
export function findTable(text: string, { page, title }: Pick<DocTable, 'page' | 'title'>): string {
  const tables = [...text.matchAll(/^\|[^\n]*\|\n\| *-[^\n]*\|\n(?:\|[^\n]*\|\n)*/gm)].map(([table]) => table);
  const [found, ...more] = tables.filter((table) => table.split('|')[1]?.trim() === title);
  if (found === undefined || more.length > 0) throw new Error(`${page}: not one table of a ${title}`);
  return found;
}

/** Matches a row of a `DocTable`: `| \`Name\` | text |` or `| <a id="Name"></a>\`Name\` | text | fix |`. */
const rowPattern =
  /^\| (?:<a id="(?<anchor>\w+)"><\/a>)?`(?<name>[^`]+)` +\| (?<text>[^|]+?) +\|(?: (?<fix>[^|]+?) +\|)?$/;

/** The cells of one row, as they are on the page. */
export interface DocRow {
  readonly name: string;
  readonly text: string;
  readonly fix?: string | undefined;
  readonly anchor?: string | undefined;
}

/** Reads the rows of a table, and the lines below its head that are not rows. */
export function readRows(table: string): { readonly rows: readonly DocRow[]; readonly others: readonly string[] } {
  const [, , ...lines] = table.trimEnd().split('\n');
  const read = lines.map((line) => ({ line, row: rowPattern.exec(line)?.groups as unknown as DocRow | undefined }));
  return {
    rows: read.flatMap(({ row }) => (row === undefined ? [] : [row])),
    others: read.flatMap(({ line, row }) => (row === undefined ? [line] : [])),
  };
}

/** Returns the rows that a table must have. */
export function rowsOfCode({ rows, fixes }: DocTable): readonly DocRow[] {
  return Object.entries(rows).map(([name, text]) => ({
    name,
    text,
    fix: fixes?.[name],
    anchor: fixes === undefined ? undefined : name,
  }));
}

function alertRows(): Readonly<Record<string, string>> {
  return Object.fromEntries(readAlertRules().map(({ alert, annotations }) => [alert, annotations.summary]));
}

function flagRows(flags: Flags): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(flags).map(([name, { description }]) => [`--${name}`, description]));
}

/**
 * Returns the flags of all commands of kubectl macvtap. If a flag has different meanings, each meaning is listed with
 * its command.
 */
async function commandFlagRows(): Promise<Readonly<Record<string, string>>> {
  const meanings = new Map<string, Map<string, string[]>>();
  for (const [command, { line }] of Object.entries(commands)) {
    for (const [name, text] of Object.entries(flagRows((await line()).flags))) {
      const texts = meanings.getOrInsertComputed(name, () => new Map());
      texts.getOrInsertComputed(text, () => []).push(command);
    }
  }
  return Object.fromEntries([...meanings].map(([name, texts]) => [name, joinMeanings(texts)]));
}

function joinMeanings(texts: ReadonlyMap<string, readonly string[]>): string {
  const parts = [...texts];
  return parts.map(([text, of]) => (parts.length === 1 ? text : `${of.join(', ')}: ${text}`)).join('<br>');
}
