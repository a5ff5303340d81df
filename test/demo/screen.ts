// SPDX-License-Identifier: Apache-2.0
import { type Look, wrapText } from '../../cli/output/look.ts';

/**
 * Makes the demo's lines fit a terminal: breaks prose between words, and colors steps, headings and rejections. Tables,
 * manifests and commands are not broken, so that they can be copied. Without a terminal, text does not change.
 */
export function forScreen(text: string, { paint, width }: Look): string {
  return text
    .split('\n')
    .map((line) => {
      if (line.startsWith('✓ ')) return paint('good', fit(line, width, '  '));
      if (/^(?:error:|still in force)/.test(line)) return paint('bad', fit(line, width, '  '));
      if (/^ *NODE {2,}RESOURCE/.test(line)) return paint('faint', line);
      return /^\S/.test(line) ? fit(line, width, '') : line;
    })
    .join('\n');
}

function fit(line: string, width: number | undefined, later: string): string {
  return width === undefined ? line : wrapText(line, width, '', later);
}
