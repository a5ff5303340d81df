// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, watch } from 'node:fs';
import { lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFile } from '../runtime/atomic-file.ts';
import {
  type BundlePublisher,
  type CertificateStore,
  type StateData,
  type StoredData,
  stateKeys,
  type WriteResult,
} from './certificate-store.ts';

/**
 * Stores the certificate in a directory that several processes may share. Each state is a subdirectory: it is written
 * under a temporary name, and then renamed to `state-<n>`. The highest n is the current state:
 *
 * `<directory>/state-7/{tls.crt,tls.key,ca.crt}`
 *
 * No process ever reads an incomplete state, even after a crash. If several processes replace state 6, exactly one
 * succeeds, because rename(2) does not replace a non-empty directory. Only the owner may read the keys.
 */
export function createDirectoryStore(directory: string): CertificateStore {
  return {
    read: () => explain('read', directory, () => readNewest(directory)),
    write: (data, expectedVersion) => explain('write', directory, () => writeNext(directory, data, expectedVersion)),
    watch(listener) {
      try {
        // Create the directory now: it must exist to be watched, but the first write may come later.
        mkdirSync(directory, { recursive: true, mode: 0o700 });
      } catch {
        // Ignored here, because the first write reports the error.
      }
      return watchEvents(directory, listener);
    },
  };
}

async function readNewest(directory: string): Promise<StoredData | undefined> {
  for (;;) {
    const newest = await findNewest(directory);
    if (newest === undefined) return undefined;
    const data = await readFiles(join(directory, newest.name));
    // If the state is no longer the newest, another process may have removed files during this read, so read again.
    if ((await findNewest(directory))?.version === newest.version) return { data, version: newest.version };
  }
}

async function writeNext(
  directory: string,
  data: StateData,
  expectedVersion: string | undefined,
): Promise<WriteResult> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const before = await findNewest(directory);
  if (before?.version !== expectedVersion) return 'conflict';
  const number = (before?.number ?? 0) + 1;
  const temporary = await mkdtemp(join(directory, temporaryPrefix));
  try {
    await writeFiles(temporary, data);
    await rename(temporary, join(directory, nameOf(number)));
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    // Another process has already written a state with this number. POSIX allows rename(2) to report that with either
    // of these codes.
    if (['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return 'conflict';
    throw thrown;
  }
  await sync(directory);
  // This process may have been suspended before the rename. Meanwhile, other processes may have written states with
  // this number and higher ones, and removed the old state. The rename then succeeded although a newer state exists.
  if ((await findNewest(directory))?.number !== number) return 'conflict';
  await removeOld(directory, number);
  return 'written';
}

interface StateDirectory {
  readonly name: string;
  readonly number: number;
  /** Identifies the state. The number does not suffice, because numbers start again after the store was emptied. */
  readonly version: string;
}

async function findNewest(directory: string): Promise<StateDirectory | undefined> {
  for (;;) {
    const numbers = (await readdir(directory).catch(none)).map(numberOf).filter((number) => number !== undefined);
    if (numbers.length === 0) return undefined;
    const number = Math.max(...numbers);
    const name = nameOf(number);
    const found = await lstat(join(directory, name), { bigint: true }).catch(absent);
    if (found !== undefined) return { name, number, version: `${number}.${found.ino}.${found.birthtimeNs}` };
  }
}

async function readFiles(directory: string): Promise<StateData> {
  const files = stateKeys.map(
    async (key) => [key, await readFile(join(directory, key), 'utf8').catch(absent)] as const,
  );
  const found = (await Promise.all(files)).filter(
    (file): file is readonly [(typeof file)[0], string] => file[1] !== undefined,
  );
  return Object.fromEntries(found);
}

async function writeFiles(directory: string, data: StateData): Promise<void> {
  for (const [key, text] of Object.entries(data)) {
    await writeFile(join(directory, key), text, { mode: 0o600, flag: 'wx', flush: true });
  }
  // Sync the directory before the rename. Otherwise, a crash could leave an empty directory with the new name.
  await sync(directory);
}

async function sync(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}

/**
 * Removes states with lower numbers, and temporary directories of killed writers after an hour. Another process may
 * remove the same directories at the same time.
 */
async function removeOld(directory: string, newest: number): Promise<void> {
  for (const name of await readdir(directory).catch(none)) {
    const path = join(directory, name);
    if ((numberOf(name) ?? newest) < newest || (name.startsWith(temporaryPrefix) && (await isLeftOver(path)))) {
      await rm(path, { recursive: true, force: true }).catch(absent);
    }
  }
}

async function isLeftOver(path: string): Promise<boolean> {
  const found = await lstat(path).catch(absent);
  return found !== undefined && found.mtimeMs < Date.now() - hourMs;
}

const temporaryPrefix = '.new-';
const hourMs = 3_600_000;
const nameOf = (number: number): string => `state-${number}`;

function numberOf(name: string): number | undefined {
  const [, digits] = /^state-([1-9]\d{0,14})$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

const none = (thrown: NodeJS.ErrnoException): [] => absent(thrown) ?? [];

/** Returns undefined for a missing file or directory. Throws all other errors. */
function absent(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT' && thrown.code !== 'ENOTDIR') throw thrown;
  return undefined;
}

async function explain<Value>(done: string, directory: string, operation: () => Promise<Value>): Promise<Value> {
  try {
    return await operation();
  } catch (thrown) {
    throw new Error(
      `cannot ${done} the certificate in ${directory}: ${(thrown as Error).message}; give user ${process.getuid?.()} read and write access`,
      { cause: thrown },
    );
  }
}

/**
 * Calls the listener on kernel events for a directory. Some changes may cause no event, so the caller must also poll.
 */
export function watchEvents(directory: string, listener: () => void): Disposable {
  try {
    const watcher = watch(directory, () => listener());
    watcher.on('error', () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    // The directory does not exist, or the limit of kernel watches is reached.
    return { [Symbol.dispose]: () => undefined };
  }
}

/**
 * Publishes the CAs in a file, for clients such as `curl --cacert <path>`. If two processes write the file at the same
 * time, each detects the conflict at its next check.
 */
export function publishToFile(path: string): BundlePublisher {
  return {
    async read() {
      const [version, bundle] = [await versionOf(path), await readFile(path, 'utf8').catch(absent)];
      return {
        version,
        bundles: [bundle ?? ''],
        problems: [],
        async replace(text) {
          if ((await versionOf(path)) !== version) return 'conflict';
          await mkdir(dirname(path), { recursive: true, mode: 0o700 });
          // No sync is needed: if a crash loses the file, the next check detects it.
          await replaceFile(path, text);
          return 'written';
        },
      };
    },
  };
}

async function versionOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(absent);
  return found === undefined ? 'absent' : `${found.ino}.${found.mtimeNs}`;
}
