// SPDX-License-Identifier: Apache-2.0

import { unlessAborted } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import type { LiveSource, Lookups, SourceFault } from '../source.ts';
import { emptySnapshot, type Snapshot } from '../source.ts';
import { type ListedFile, type LoadedFile, listFiles, loadFile, mergeFiles, watchFiles } from './read-manifests.ts';

/**
 * Follows a directory of manifests. If a file has errors, its whole last valid version stays in force. If a file was
 * never valid, its valid documents are used. While the directory is unreadable, all known objects stay in force.
 */
export class ManifestsSource implements LiveSource {
  readonly lookups: Lookups = createManifestsLookups(() => this.#reread());
  readonly #directory: string;
  readonly #policyNamespace: string;
  readonly #listeners = createListeners();
  #files = new Map<string, LoadedFile>();
  #snapshot: Snapshot = emptySnapshot;
  #faults: readonly SourceFault[] = [];
  #synced = false;
  #confirmedMs: number | undefined;
  #watch: Disposable | undefined;
  #loading: Promise<void> = Promise.resolve();
  /** The requested load that has not started yet. Further requests share it. */
  #next: Promise<void> | undefined;

  /** Reads the directory once, and then follows it until disposed. */
  static async open(directory: string, policyNamespace: string): Promise<ManifestsSource> {
    const source = new ManifestsSource(directory, policyNamespace);
    // Start the watch before the first load. Otherwise, a change in between would be detected only by polling.
    source.#watch = watchFiles(directory, () => void source.#requestLoad());
    await source.#requestLoad();
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

  get confirmedMs(): ReadonlyMap<string, number | undefined> {
    return new Map([['manifests', this.#confirmedMs]]);
  }

  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    this.#listeners.clear();
    await this.#loading;
  }

  /**
   * Loads the directory. Only one load runs at a time, so that an older load cannot overwrite the result of a newer
   * one.
   */
  #requestLoad(): Promise<void> {
    this.#next ??= this.#loading.then(() => {
      this.#next = undefined;
      return this.#load();
    });
    this.#loading = this.#next;
    return this.#loading;
  }

  async #reread(): Promise<Snapshot> {
    await this.#requestLoad();
    const fault = this.#faults.find(isDirectoryFault);
    if (fault !== undefined) throw new MacvtapError('LookupFailed', fault.message);
    return this.#snapshot;
  }

  async #load(): Promise<void> {
    const loaded = await this.#readFiles();
    if ('fault' in loaded) return this.#publish(this.#snapshot, [loaded.fault]);
    this.#confirmedMs = performance.now();
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
          message: `${this.#directory}: ${explainUnreadable(error)}`,
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
    this.#listeners.notify();
  }
}

const directoryPlace = 'directory';

function explainUnreadable(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')
    return 'not a directory; set the directory that contains it';
  return `${error instanceof Error ? error.message : String(error)}; check the path and its permissions`;
}

function isDirectoryFault({ isOutage }: SourceFault): boolean {
  return isOutage === true;
}

function isSame(left: ReadonlyMap<string, LoadedFile>, right: ReadonlyMap<string, LoadedFile>): boolean {
  return left.size === right.size && [...left].every(([name, file]) => right.get(name) === file);
}

/** Creates look-ups in a directory of manifests. `reread` resolves with the current snapshot or raises an error. */
function createManifestsLookups(reread: () => Promise<Snapshot>): Lookups {
  const read = async <Value>(signal: AbortSignal, choose: (snapshot: Snapshot) => Value): Promise<Value> => {
    try {
      return choose(await unlessAborted(reread(), signal));
    } catch (thrown) {
      const { message } = MacvtapError.from(thrown);
      throw new MacvtapError('LookupFailed', `reading the manifests again failed: ${message}`, { cause: thrown });
    }
  };
  return {
    network: (namespace, name, signal) => read(signal, ({ networks }) => networks.get(`${namespace}/${name}`)),
    namespace: (name, signal) => read(signal, ({ namespaces }) => namespaces.get(name)),
    // A directory of manifests has no claims, because no node there uses dynamic resource allocation.
    claim: async () => undefined,
    policies: (signal) => read(signal, ({ policies }) => policies),
  };
}
