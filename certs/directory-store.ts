// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StateData, stateKeys } from './state-codec.ts';
import type { CertificateStore, StoredData, WriteResult } from './store.ts';
import { watchEvents } from './watch-events.ts';

/**
 * Keeps the certificate in a directory, which several processes may share. Each state is a directory of its own, made
 * beside the others and then renamed, whole, to `state-<n>`; the highest n counts:
 *
 * `<directory>/state-7/{tls.crt,tls.key,ca.crt}`
 *
 * So nobody ever reads half a state, also after a crash; and of several who write over state 6 exactly one succeeds, since
 * rename(2) puts no directory in the place of one that has files in it. Keys are their owner's alone.
 */
export function createDirectoryStore(directory: string): CertificateStore {
  return {
    read: () => explain('read', directory, () => readNewest(directory)),
    write: (data, expectedVersion) => explain('written', directory, () => writeNext(directory, data, expectedVersion)),
    watch(listener) {
      try {
        // Before the first write there would be nothing to watch.
        mkdirSync(directory, { recursive: true, mode: 0o700 });
      } catch {
        // That write will tell.
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
    // A state that is no longer the newest may have been on its way out while it was read.
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
    // POSIX lets rename(2) say either.
    if (['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return 'conflict';
    throw thrown;
  }
  await sync(directory);
  // A writer that slept since it looked may have taken a number that was used, outdone and removed meanwhile.
  if ((await findNewest(directory))?.number !== number) return 'conflict';
  await removeOld(directory, number);
  return 'written';
}

interface StateDirectory {
  readonly name: string;
  readonly number: number;
  /** Tells a directory from another that had the same number before somebody emptied the store. */
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
  // Before the rename, or a crash may leave the new name with nothing behind it.
  await sync(directory);
}

async function sync(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}

/** Lower states, and what killed writers left an hour ago or before. What cannot be removed harms nobody. */
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

/** Undefined for what is not there; other failures are thrown on. */
function absent(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT' && thrown.code !== 'ENOTDIR') throw thrown;
  return undefined;
}

async function explain<Value>(done: string, directory: string, operation: () => Promise<Value>): Promise<Value> {
  try {
    return await operation();
  } catch (thrown) {
    throw new Error(
      `the certificate cannot be ${done} in ${directory}: ${(thrown as Error).message}; let user ${process.getuid?.()} read and write there`,
      { cause: thrown },
    );
  }
}
