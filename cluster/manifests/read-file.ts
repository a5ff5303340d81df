// SPDX-License-Identifier: Apache-2.0
import type { KnownObject } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { SourceFault } from '../source.ts';
import { type ManifestDocument, parseDocuments } from './parse-documents.ts';

/** An object of a file with its identity and place. */
export interface PlacedObject {
  readonly id: string;
  readonly where: string;
  readonly known: KnownObject;
}

/** What one file holds: the objects that can be read, and what is wrong with the others. */
export interface ManifestFile {
  readonly objects: readonly PlacedObject[];
  readonly faults: readonly SourceFault[];
}

/** Reads a file of manifests; `name` is how it is told to a person. Kinds that nothing here reads are passed over. */
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
      for (const fault of read.faults ?? []) {
        const line = document.lineOf([...path, ...fault.path]);
        faults.push({ where: place(name, document, line), message: `${read.id}: ${fault.message}` });
      }
    }
  }
  return { objects, faults };
}

/** A document is one object, or a list as `kubectl get -o yaml` prints it. */
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
