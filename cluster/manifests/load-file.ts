// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { ListedFile } from './list-files.ts';
import { type ManifestFile, readManifestFile } from './read-file.ts';

/** A file as it was last read: the objects in force, and the faults of its newest version. */
export interface LoadedFile extends ManifestFile {
  readonly stamp: string;
  /** Whether the objects are those of a version without faults. */
  readonly whole: boolean;
}

/** More than any set of hand-written manifests; a larger file is a mistake that must not exhaust the memory. */
const maxFileBytes = 64 * 1024 * 1024;

/** Reads a file that is not as it was: one with a fault keeps its last good version in force, whole, where it had one. */
export async function loadFile(
  file: ListedFile,
  earlier: LoadedFile | undefined,
  policyNamespace: string,
): Promise<LoadedFile> {
  if (earlier?.stamp === file.stamp) return earlier;
  const { objects, faults } = await parse(file, policyNamespace);
  if (faults.length > 0 && earlier?.whole) return { ...earlier, stamp: file.stamp, faults };
  return { stamp: file.stamp, objects, faults, whole: faults.length === 0 };
}

/** A file that cannot be read is a fault of its own: the others still count. One that vanished is gone at the next look. */
async function parse({ name, path, bytes }: ListedFile, policyNamespace: string): Promise<ManifestFile> {
  if (bytes > maxFileBytes) return refuse(name, `${bytes} bytes, more than ${maxFileBytes}; split it`);
  try {
    return readManifestFile(name, await readFile(path, 'utf8'), policyNamespace);
  } catch (error) {
    return refuse(name, `${error instanceof Error ? error.message : String(error)}; make it readable or remove it`);
  }
}

function refuse(where: string, message: string): ManifestFile {
  return { objects: [], faults: [{ where, message }] };
}
