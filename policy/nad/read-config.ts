// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../json-object.ts';
import { quote } from '../quote.ts';
import { type Layout, scanConfig } from './scan-config.ts';

/** A config that reads as CNI would read it. */
export interface Config {
  readonly text: string;
  readonly tree: JsonObject;
  readonly layout: Layout;
}

/** Why a config does not read: `{ line: 3, column: 3, text: 'a comma is missing before "mtu"' }`. */
export interface ConfigFault {
  /** From 1; a line ends with LF, CR LF or CR. Both are absent where there is no text. */
  readonly line?: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column?: number;
  readonly text: string;
}

/** One of the two is there. */
export interface ConfigReading {
  readonly config?: Config;
  readonly fault?: ConfigFault;
}

/** Reads spec.config: a JSON object, or where and why it is none. No text, however long, deep or broken, raises. */
export function readConfig(written: unknown): ConfigReading {
  if (typeof written !== 'string') return { fault: { text: `${quote(written)} instead of text: write config: '{…}'` } };
  const scan = scanConfig(written);
  if ('fault' in scan) return { fault: { ...findPlace(written, scan.fault.offset), text: scan.fault.text } };
  const tree: unknown = JSON.parse(written);
  if (isJsonObject(tree)) return { config: { text: written, tree, layout: scan.layout } };
  const offset = written.search(/[^ \t\r\n]/);
  return { fault: { ...findPlace(written, offset), text: `${quote(tree)} where the { of an object is wanted` } };
}

function findPlace(text: string, offset: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) as string).length + 1 };
}
