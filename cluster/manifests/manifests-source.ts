// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Lookups } from '../lookups.ts';
import { emptySnapshot, type Snapshot } from '../snapshot.ts';
import type { LiveSource, SourceFault } from '../source.ts';
import { type ListedFile, listFiles } from './list-files.ts';
import { type LoadedFile, loadFile } from './load-file.ts';
import { createManifestsLookups } from './manifests-lookups.ts';
import { mergeFiles } from './merge-files.ts';
import { watchFiles } from './watch-files.ts';

/**
 * A directory of manifests as a cluster. Every change of a file is taken in, but a file with a fault keeps its last good
 * version in force, whole; only when it never had one do its good documents count alone. A directory that cannot be
 * read changes nothing.
 */
export class ManifestsSource implements LiveSource {
  readonly lookups: Lookups = createManifestsLookups(() => this.#reread());
  readonly #directory: string;
  readonly #policyNamespace: string;
  readonly #listeners = new Set<() => void>();
  #files = new Map<string, LoadedFile>();
  #snapshot: Snapshot = emptySnapshot;
  #faults: readonly SourceFault[] = [];
  #synced = false;
  #heardMs: number | undefined;
  #watch: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** The look that is asked for and has not begun: whoever asks meanwhile shares it. */
  #next: Promise<void> | undefined;

  /** Reads the directory once, then follows it until disposed. */
  static async open(directory: string, policyNamespace: string): Promise<ManifestsSource> {
    const source = new ManifestsSource(directory, policyNamespace);
    // Watched before it is read: what changes in between is seen at once, not by the backup.
    source.#watch = watchFiles(directory, () => void source.#look());
    await source.#look();
    return source;
  }

  private constructor(directory: string, policyNamespace: string) {
    this.#directory = directory;
    this.#policyNamespace = policyNamespace;
  }

  get origin() {
    const placesOf = (id: string) =>
      [...this.#files.values()].flatMap(({ objects }) =>
        objects.filter((object) => object.id === id).map(({ where }) => where),
      );
    return { kind: 'manifests', directory: this.#directory, placesOf } as const;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get faults(): readonly SourceFault[] {
    return this.#faults;
  }

  get heardMs(): ReadonlyMap<string, number | undefined> {
    return new Map([['manifests', this.#heardMs]]);
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    this.#listeners.clear();
    await this.#looking;
  }

  /** One look at a time, in turn: an older one must not overwrite what a newer one has seen. */
  #look(): Promise<void> {
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined;
      return this.#load();
    });
    this.#looking = this.#next;
    return this.#looking;
  }

  async #reread(): Promise<Snapshot> {
    await this.#look();
    const fault = this.#faults.find(isDirectoryFault);
    if (fault !== undefined) throw new MacvtapError('LookupFailed', fault.message);
    return this.#snapshot;
  }

  async #load(): Promise<void> {
    const loaded = await this.#readFiles();
    if ('fault' in loaded) return this.#publish(this.#snapshot, [loaded.fault]);
    this.#heardMs = performance.now();
    if (this.#synced && isSame(loaded.files, this.#files) && !this.#faults.some(isDirectoryFault)) return;
    this.#synced = true;
    this.#files = loaded.files;
    const merged = mergeFiles([...loaded.files.values()]);
    this.#publish(merged.snapshot, [...[...loaded.files.values()].flatMap(({ faults }) => faults), ...merged.faults]);
  }

  async #readFiles(): Promise<{ files: Map<string, LoadedFile> } | { fault: SourceFault }> {
    try {
      const listed = await listFiles(this.#directory);
      const files = await Promise.all(listed.map(async (file) => [file.name, await this.#loadOne(file)] as const));
      return { files: new Map(files) };
    } catch (error) {
      return {
        fault: {
          where: directoryPlace,
          message: `${this.#directory}: ${explainUnread(error)}`,
          isOutage: true,
        },
      };
    }
  }

  #loadOne(file: ListedFile): Promise<LoadedFile> {
    return loadFile(file, this.#files.get(file.name), this.#policyNamespace);
  }

  #publish(snapshot: Snapshot, faults: readonly SourceFault[]): void {
    if (snapshot === this.#snapshot && JSON.stringify(faults) === JSON.stringify(this.#faults)) return;
    this.#snapshot = snapshot;
    this.#faults = faults;
    for (const listener of this.#listeners) listener();
  }
}

const directoryPlace = 'directory';

function explainUnread(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')
    return 'no directory; name the one it is in';
  return `${error instanceof Error ? error.message : String(error)}; check the path and its rights`;
}

function isDirectoryFault({ isOutage }: SourceFault): boolean {
  return isOutage === true;
}

function isSame(left: ReadonlyMap<string, LoadedFile>, right: ReadonlyMap<string, LoadedFile>): boolean {
  return left.size === right.size && [...left].every(([name, file]) => right.get(name) === file);
}
