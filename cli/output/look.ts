// SPDX-License-Identifier: Apache-2.0

import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { Document, visit } from 'yaml';
import { choiceFlag } from '../../runtime/flags.ts';
import { hasHidden } from '../../runtime/terminal-text.ts';

/** The colour of each tone. */
const styles = { good: 'green', poor: 'yellow', bad: 'red', faint: 'dim' } as const;

export type Tone = keyof typeof styles;

/** Colours a text. */
export type Paint = (tone: Tone, text: string) => string;

/** The settings for text that a person reads. */
export interface Look {
  readonly paint: Paint;
  /** The columns of the terminal. Without a terminal, this is undefined and nothing is cut. */
  readonly width: number | undefined;
}

/** Returns the colours and columns of a stream. */
export function lookOf(stream: NodeJS.WriteStream): Look {
  return { paint: paintFor(stream), width: terminalWidth(stream) };
}

/**
 * Returns a function that colours text. Node.js adds no colours if the stream is not a terminal, if the terminal has
 * none, or if NO_COLOR is set.
 */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (tone, text) => styleText(styles[tone], text, { stream });
}

/**
 * Returns the columns of a terminal. Returns undefined, so that nothing is cut, if the stream is not a terminal or its
 * width is unknown.
 */
export function terminalWidth({ isTTY, columns }: Pick<WriteStream, 'isTTY' | 'columns'>): number | undefined {
  return isTTY && columns > 0 ? columns : undefined;
}

/**
 * Breaks a text at spaces into lines of at most `columns`. `first` is the indent of the first line, and `later` that of
 * the others.
 */
export function wrapText(text: string, columns: number, first: string, later = first): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = later;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

/**
 * Breaks a shell command at spaces outside of quotes, with a backslash before each break, so that a user can copy it.
 * Arguments are not broken, even if they are longer than a line.
 */
export function wrapCommand(command: string, columns: number, indent: string): string {
  const words = command.match(/(?:\\.|[^\s'\\]|'[^']*')+/g) ?? [];
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const prefix = lines.length === 0 ? indent : `${indent}  `;
    if (line !== '' && prefix.length + line.length + 1 + word.length + 2 > columns) {
      lines.push(`${prefix}${line} \\`);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, `${lines.length === 0 ? indent : `${indent}  `}${line}`].join('\n');
}

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
