// SPDX-License-Identifier: Apache-2.0
import { link, readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileNotWritten } from '../../runtime/atomic-file.ts';

/** More than one, so that a second start does not throw away what the first one found. */
const maxKept = 5;

/**
 * Gives a file a second name, `<file>.broken-<n>`, under which it stays when the first one is written anew, and
 * returns its path. Raises FileNotWritten. A file that has such a name already, because an earlier process got no further, gets no other.
 * The five newest are kept.
 */
export async function setAside(path: string): Promise<string> {
  try {
    return await giveSecondName(path);
  } catch (thrown) {
    throw fileNotWritten(`${path}.broken-<n>`, thrown);
  }
}

async function giveSecondName(path: string): Promise<string> {
  const numbers = await brokenNumbers(path);
  const { ino } = await stat(path);
  for (const number of numbers) {
    if ((await stat(pathOf(path, number))).ino === ino) return pathOf(path, number);
  }
  const next = (numbers.at(-1) ?? 0) + 1;
  await link(path, pathOf(path, next));
  for (const number of numbers.slice(0, -(maxKept - 1))) await unlink(pathOf(path, number));
  return pathOf(path, next);
}

function pathOf(path: string, number: number): string {
  return `${path}.broken-${number}`;
}

/** From the oldest on. */
async function brokenNumbers(path: string): Promise<readonly number[]> {
  const start = `${basename(path)}.broken-`;
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(start));
  return names
    .map((name) => name.slice(start.length))
    .filter((text) => /^[1-9]\d{0,8}$/.test(text))
    .map(Number)
    .sort((left, right) => left - right);
}
