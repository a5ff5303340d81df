// SPDX-License-Identifier: Apache-2.0
import { nodePluginLine } from '../../nodeplugin/config.ts';
import { reasons } from '../../policy/reasons.ts';
import { errorCodes } from '../../runtime/error-codes.ts';
import type { Flags } from '../../runtime/flags.ts';
import { webhookLine } from '../../webhook/config.ts';

/** A table of a page that says what the code has: each row's first cell is a name in code, its second the text. */
export interface DocTable {
  readonly page: string;
  readonly rows: Readonly<Record<string, string>>;
}

export const docTables: readonly DocTable[] = [
  { page: 'docs/reasons.md', rows: reasons },
  { page: 'docs/errors.md', rows: errorCodes },
  { page: 'docs/node-plugin.md', rows: flagRows(nodePluginLine.flags) },
  { page: 'docs/webhook.md', rows: flagRows(webhookLine.flags) },
];

/** A row of such a table: `| \`Name\` | text |`. */
export const rowPattern = /^\| `([^`]+)` +\| ([^|]+?) +\|$/gm;

function flagRows(flags: Flags): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(flags).map(([name, { description }]) => [`--${name}`, description]));
}
