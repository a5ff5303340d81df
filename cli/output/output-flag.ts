// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import { choiceFlag } from '../../runtime/flag-types.ts';

/** How a command can print what it found. */
const outputFormats = ['table', 'json', 'yaml'] as const;

export type OutputFormat = (typeof outputFormats)[number];

export const outputFlag = {
  output: { ...choiceFlag(outputFormats, 'how to print', 'table'), short: 'o' },
} as const;

/** For a person by `table`, for a script the value itself. */
export function render<Value>(value: Value, format: OutputFormat, table: (value: Value) => string): string {
  switch (format) {
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'yaml':
      // What stands twice is written twice: pointers between parts are hard to read.
      return stringify(value, { aliasDuplicateObjects: false }).trimEnd();
    case 'table':
      return table(value);
  }
}
