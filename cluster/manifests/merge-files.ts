// SPDX-License-Identifier: Apache-2.0
import { toSnapshot } from '../objects/to-snapshot.ts';
import type { Snapshot } from '../snapshot.ts';
import type { SourceFault } from '../source.ts';
import type { ManifestFile, PlacedObject } from './read-file.ts';

/** The files' objects as one cluster. An object that stands twice counts where it stands first, by the file's name. */
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
