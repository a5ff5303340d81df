// SPDX-License-Identifier: Apache-2.0

/** Breaks a text at blanks into lines of at most so many columns; the second and later ones are indented. */
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
 * Breaks a shell's line at blanks outside of quotes, with a backslash before each break, so that it can be copied as it
 * stands. A single argument that is longer stays whole.
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
