// SPDX-License-Identifier: Apache-2.0
import { certificateFaultCodes } from '../../certs/faults.ts';
import { commands } from '../../cli/commands.ts';
import { sourceMetrics } from '../../cluster/record-source.ts';
import { eventMetrics } from '../../cluster/report/events/count-events.ts';
import { eventReasons } from '../../cluster/report/events/event-reasons.ts';
import { nodePluginLine } from '../../nodeplugin/config.ts';
import { nodePluginMetrics } from '../../nodeplugin/metric-table.ts';
import { reasons } from '../../policy/reasons.ts';
import { conditionReasons } from '../../policy/status/condition-reasons.ts';
import { causes } from '../../policy/why/causes.ts';
import { errorCodes } from '../../runtime/error-codes.ts';
import type { Flags } from '../../runtime/flags.ts';
import { processMetrics } from '../../runtime/record-process.ts';
import { webhookLine } from '../../webhook/config.ts';
import { webhookMetrics } from '../../webhook/record-reviews.ts';
import { readAlertRules } from '../prometheus/alert-rules.ts';

/** A table of a page that says what the code has: each row's first cell is a name in code, its second the text. */
export interface DocTable {
  readonly page: string;
  /** Of the first column; tells the tables of a page apart. */
  readonly title: 'code' | 'reason' | 'flag' | 'value' | 'alert' | `metric of ${string}`;
  readonly rows: Readonly<Record<string, string>>;
}

export const docTables: readonly DocTable[] = [
  { page: 'docs/reasons.md', title: 'code', rows: reasons },
  { page: 'docs/status.md', title: 'reason', rows: conditionReasons },
  { page: 'docs/errors.md', title: 'code', rows: errorCodes },
  { page: 'docs/events.md', title: 'reason', rows: eventReasons },
  { page: 'docs/why.md', title: 'code', rows: causes },
  { page: 'docs/node-plugin.md', title: 'flag', rows: flagRows(nodePluginLine.flags) },
  { page: 'docs/webhook.md', title: 'flag', rows: flagRows(webhookLine.flags) },
  { page: 'docs/kubectl-macvtap.md', title: 'flag', rows: await commandFlagRows() },
  { page: 'docs/webhook.md', title: 'code', rows: certificateFaultCodes },
  { page: 'docs/monitoring.md', title: 'metric of the webhook', rows: webhookMetrics },
  { page: 'docs/monitoring.md', title: 'metric of the node plugin', rows: nodePluginMetrics },
  {
    page: 'docs/monitoring.md',
    title: 'metric of both',
    rows: { ...sourceMetrics, ...eventMetrics, ...processMetrics },
  },
  { page: 'docs/monitoring.md', title: 'alert', rows: alertRows() },
];

/** A table in the text of its page, whole. Throws where there is none, or more than one. */
export function findTable(text: string, { page, title }: Pick<DocTable, 'page' | 'title'>): string {
  const tables = [...text.matchAll(/^\|[^\n]*\|\n\| *-[^\n]*\|\n(?:\|[^\n]*\|\n)*/gm)].map(([table]) => table);
  const [found, ...more] = tables.filter((table) => table.split('|')[1]?.trim() === title);
  if (found === undefined || more.length > 0) throw new Error(`${page}: not one table of a ${title}`);
  return found;
}

/** A row of such a table: `| \`Name\` | text |`. */
export const rowPattern = /^\| `([^`]+)` +\| ([^|]+?) +\|$/gm;

function alertRows(): Readonly<Record<string, string>> {
  return Object.fromEntries(readAlertRules().map(({ alert, annotations }) => [alert, annotations.summary]));
}

function flagRows(flags: Flags): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(flags).map(([name, { description }]) => [`--${name}`, description]));
}

/** Of all commands of kubectl macvtap; a flag that means something else elsewhere has each meaning with its command. */
async function commandFlagRows(): Promise<Readonly<Record<string, string>>> {
  const meanings = new Map<string, Map<string, string[]>>();
  for (const [command, { line }] of Object.entries(commands)) {
    for (const [name, text] of Object.entries(flagRows((await line()).flags))) {
      const texts = meanings.getOrInsertComputed(name, () => new Map());
      texts.getOrInsertComputed(text, () => []).push(command);
    }
  }
  return Object.fromEntries([...meanings].map(([name, texts]) => [name, tell(texts)]));
}

function tell(texts: ReadonlyMap<string, readonly string[]>): string {
  const parts = [...texts];
  return parts.map(([text, of]) => (parts.length === 1 ? text : `${of.join(', ')}: ${text}`)).join('; ');
}
