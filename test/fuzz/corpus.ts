// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';

/**
 * Returns the file with the inputs of a target, one per line. A line that begins with # describes the bug that the next
 * input found.
 */
export function corpusFile(target: string): URL {
  return new URL(`./corpus/${target}.txt`, import.meta.url);
}

/** Returns the inputs that the source tree has for a target; none if the target has no file. */
export function readCorpus(target: string): readonly Uint8Array[] {
  const file = corpusFile(target);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(decodeLine);
}

/** @example `"{\"a\":1}"` for UTF-8, `hex:00ff` for anything else */
export function encodeLine(input: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
  return Buffer.from(text).equals(input) && !text.includes('\0')
    ? JSON.stringify(text)
    : `hex:${Buffer.from(input).toString('hex')}`;
}

export function decodeLine(line: string): Uint8Array {
  return line.startsWith('hex:') ? Buffer.from(line.slice(4), 'hex') : Buffer.from(JSON.parse(line) as string);
}
