// SPDX-License-Identifier: Apache-2.0
import { type KnownObject, toSnapshot } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { Snapshot } from '../snapshot.ts';
import type { SourceFault } from '../source.ts';
import { type ManifestDocument, parseDocuments } from './parse-documents.ts';

/** An object in a file, with its ID and its place. */
interface PlacedObject {
  readonly id: string;
  readonly where: string;
  readonly known: KnownObject;
}

/** The content of one file: the readable objects, and the errors of the other objects. */
export interface ManifestFile {
  readonly objects: readonly PlacedObject[];
  readonly faults: readonly SourceFault[];
}

/**
 * Reads a file of manifests. `name` is the name of the file in messages. Objects of a kind that the program does not
 * use are skipped.
 */
export function readManifestFile(name: string, text: string, policyNamespace: string): ManifestFile {
  const objects: PlacedObject[] = [];
  const faults: SourceFault[] = [];
  for (const document of parseDocuments(text)) {
    if ('fault' in document.content) {
      faults.push({ where: place(name, document, document.line), message: document.content.fault });
      continue;
    }
    for (const { value, path } of itemsOf(document.content.value)) {
      const read = readObject(value, policyNamespace);
      if (read === undefined) continue;
      if (read.known !== undefined) {
        objects.push({ id: read.id, where: place(name, document, document.lineOf(path)), known: read.known });
      }
      for (const { path: field, message, explicit } of read.faults ?? []) {
        const where = place(name, document, document.lineOf([...path, ...field]));
        faults.push({ where, message: `${read.id}: ${message}`, ...(explicit !== undefined && { explicit }) });
      }
    }
  }
  return { objects, faults };
}

/** Returns the objects of a document: the object itself, or the items of a list like that of `kubectl get -o yaml`. */
export function itemsOf(value: unknown): readonly { value: unknown; path: readonly (string | number)[] }[] {
  const list = value as { kind?: unknown; items?: unknown } | null;
  if (typeof list?.kind !== 'string' || !list.kind.endsWith('List') || !Array.isArray(list.items)) {
    return [{ value, path: [] }];
  }
  return list.items.map((item, index) => ({ value: item, path: ['items', index] }));
}

function place(file: string, { number }: ManifestDocument, line: number): string {
  return `${file}, document ${number}, line ${line}`;
}

/** Merges files into one snapshot. If an object is repeated, the first one counts, in the order of file names. */
export function mergeFiles(files: readonly ManifestFile[]): { snapshot: Snapshot; faults: readonly SourceFault[] } {
  const first = new Map<string, PlacedObject>();
  const faults: SourceFault[] = [];
  for (const object of files.flatMap(({ objects }) => objects)) {
    const earlier = first.get(object.id);
    if (earlier === undefined) first.set(object.id, object);
    else faults.push({ where: object.where, message: `${object.id}: already in ${earlier.where}; remove one` });
  }
  return { snapshot: toSnapshot([...first.values()].map(({ known }) => known)), faults };
}
