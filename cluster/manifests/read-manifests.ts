// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { watchDirectory } from '../../runtime/watch-directory.ts';
import { type KnownObject, toSnapshot } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { Snapshot, SourceFault } from '../source.ts';
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

/** A manifest file in a directory. `stamp` changes whenever the content may have changed. */
export interface ListedFile {
  readonly name: string;
  readonly path: string;
  readonly stamp: string;
  readonly bytes: number;
}

/**
 * Lists the manifest files of a directory, sorted by name. Follows symbolic links, because the files of a mounted
 * ConfigMap are links. Skips files that disappear in the meantime. Also skips files whose name begins with a dot,
 * because editors and mounted ConfigMaps create such files.
 */
export async function listFiles(directory: string): Promise<readonly ListedFile[]> {
  const names = (await readdir(directory)).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
  const files = await Promise.all(names.map((name) => listFile(name, join(directory, name))));
  return files.filter((file) => file !== undefined);
}

/** Lists one file. The stamp includes inode and ctime, because a quick rewrite may change neither size nor mtime. */
async function listFile(name: string, path: string): Promise<ListedFile | undefined> {
  try {
    const info = await stat(path, { bigint: true });
    if (!info.isFile()) return undefined;
    return { name, path, stamp: `${info.ino}:${info.size}:${info.mtimeNs}:${info.ctimeNs}`, bytes: Number(info.size) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A loaded file: the objects in force, and the errors of the file's newest version. */
export interface LoadedFile extends ManifestFile {
  readonly stamp: string;
  /** Whether the objects come from a version without errors. */
  readonly isValid: boolean;
}

/** The maximum number of bytes of a file. The limit protects the memory: hand-written manifests are far smaller. */
const maxFileBytes = 64 * 1024 * 1024;

/**
 * Loads a file if it has changed. If the new version has errors, the whole last valid version stays in force. Without a
 * valid version, the valid parts of the new version are used.
 */
export async function loadFile(
  file: ListedFile,
  earlier: LoadedFile | undefined,
  policyNamespace: string,
): Promise<LoadedFile> {
  if (earlier?.stamp === file.stamp) return earlier;
  const { objects, faults } = await parse(file, policyNamespace);
  if (faults.length > 0 && earlier?.isValid) return { ...earlier, stamp: file.stamp, faults };
  return { stamp: file.stamp, objects, faults, isValid: faults.length === 0 };
}

/** Parses a file. An unreadable file causes a single error and does not affect other files. */
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

/** How long to collect changes before a reload. */
const quietMs = 20;

/**
 * How often to poll. Polling detects changes without inotify events, such as those on a network file system or behind a
 * symbolic link.
 */
const pollMs = 2_000;

/**
 * Calls `onChange` shortly after files changed. Waits a little, because an editor or a ConfigMap mount changes several
 * entries at once.
 */
export function watchFiles(directory: string, onChange: () => void): Disposable {
  let quiet: NodeJS.Timeout | undefined;
  const watching = watchDirectory({
    directory,
    isRelevant: () => true,
    pollMs,
    onChange: () => {
      clearTimeout(quiet);
      quiet = setTimeout(onChange, quietMs);
    },
  });
  return {
    [Symbol.dispose]() {
      watching[Symbol.dispose]();
      clearTimeout(quiet);
    },
  };
}
