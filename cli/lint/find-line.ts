// SPDX-License-Identifier: Apache-2.0
import type { ManifestDocument } from '../../cluster/manifests/parse-documents.ts';
import { readConfig } from '../../policy/nad/read-config.ts';
import { findKey } from './find-key.ts';
import { locateText } from './locate-text.ts';
import { type Path, resolvePath } from './resolve-path.ts';

/** An object, and where it stands. */
export interface PlacedValue {
  readonly document: ManifestDocument;
  /** Inside the document: not empty for an item of a list. */
  readonly root: Path;
  readonly value: unknown;
}

/**
 * The line that a verdict is about: that of the field, or of the nearest one around it that exists. For what stands in a
 * network's config, which is JSON in a text, it is the line of the key there, and of a config that does not read, the
 * line of its fault.
 *
 * @param path as verdicts write it: `spec.config.plugins[1].mode`
 */
export function findLine({ document, root, value }: PlacedValue, path: string): number {
  const { keys, rest } = resolvePath(value, path);
  const place = [...root, ...keys];
  const written = keys.join('.') === 'spec.config' ? document.textAt(place) : undefined;
  const text = written && (value as { spec: { config: string } }).spec.config;
  const offset = text === undefined ? undefined : offsetIn(text, rest);
  return written === undefined || text === undefined || offset === undefined
    ? document.lineOf(place)
    : locateText(written, text, offset);
}

/** Undefined for a config as a whole. */
function offsetIn(text: string, rest: string): number | undefined {
  const { config, fault } = readConfig(text);
  if (fault?.line !== undefined) return offsetOf(text, fault.line, fault.column ?? 1);
  if (config === undefined || rest === '') return undefined;
  const { keys } = resolvePath(config.tree, rest);
  return keys.length === 0 ? undefined : findKey(text, keys);
}

/** Lines end as readConfig counts them. */
function offsetOf(text: string, line: number, column: number): number {
  const ends = [...text.matchAll(/\r\n|\r|\n/g)].map((end) => end.index + end[0].length);
  return (line === 1 ? 0 : (ends[line - 2] ?? text.length)) + column - 1;
}
