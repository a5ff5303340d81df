// SPDX-License-Identifier: Apache-2.0
import { Document, visit } from 'yaml';
import { choiceFlag } from '../../runtime/flags.ts';
import { hasHidden } from '../../runtime/printable.ts';

/** The formats of a command's result. */
const outputFormats = ['table', 'json', 'yaml'] as const;

export type OutputFormat = (typeof outputFormats)[number];

export const outputFlag = {
  output: { ...choiceFlag(outputFormats, 'output format', 'table'), short: 'o' },
} as const;

/** Renders a value as `json` or `yaml` for a script, or with the function `table` for a person. */
export function render<Value>(value: Value, format: OutputFormat, table: (value: Value) => string): string {
  switch (format) {
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'yaml':
      return stringifyYAML(value);
    case 'table':
      return table(value);
  }
}

/**
 * Renders a value as YAML. Aliases are not used, because they are hard to read. Text with characters that a terminal
 * would not show is double-quoted, so that print() can escape them.
 */
export function stringifyYAML(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && hasHidden(node.value.replaceAll('\n', ''))) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString().trimEnd();
}
