// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, ftruncate, openSync, statSync, write } from 'node:fs';
import { link, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { fileNotWritten } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type DecodedLedger, decodeLedger, type LedgerFault } from './ledger-codec.ts';
import { adoptLedger, emptyLedger, formatVersion, type LedgerContent } from './ledger-content.ts';
import { ledgerUnavailable } from './state-directory.ts';

export interface LoadedLedger {
  readonly content: LedgerContent;
  /** Whether the file must be set aside before it is replaced. */
  readonly isBroken: boolean;
  /** Warnings for the operator: LedgerBroken, LedgerNewer, LedgerOfOtherNode. */
  readonly warnings: readonly MacvtapError[];
}

/** Loads the ledger, or an empty ledger if the file is absent. Raises LedgerUnavailable if the file cannot be read. */
export async function loadLedger(path: string, node: string): Promise<LoadedLedger> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return { content: emptyLedger(node), isBroken: false, warnings: [] };
  const decoded = decodeLedger(bytes, node);
  return {
    content: adoptLedger(decoded.content, node),
    isBroken: decoded.faults.length > 0,
    warnings: warningsOf(path, decoded, node),
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Continuing with an empty ledger would lose the record of which links pods use.
    const nextStep = 'make it readable, or move it away to start without it';
    throw ledgerUnavailable(`cannot read the ledger ${path}`, thrown, nextStep);
  }
}

function warningsOf(path: string, { content, faults }: DecodedLedger, node: string): readonly MacvtapError[] {
  const { version, devices, unread } = content;
  const warnings: MacvtapError[] = [];
  if (faults.length > 0) {
    const message =
      `the ledger ${path} is broken: ${describe(faults)}; continuing with the ${devices.size} devices that could be read; ` +
      `the broken file is kept as ${path}.broken-<n> with the highest number`;
    warnings.push(new MacvtapError('LedgerBroken', message, { facts: { path, faults: faults.length } }));
  }
  if (version > formatVersion) {
    const message =
      `a newer version of this program wrote the ledger ${path} (format ${version}, this one writes ${formatVersion}): ` +
      `${devices.size} devices can be read, ${unread.size} are kept unread; run the newer version again when you can`;
    warnings.push(new MacvtapError('LedgerNewer', message, { facts: { path, version, unread: unread.size } }));
  }
  if (content.node !== node) {
    const message =
      `the ledger ${path} was written for node ${content.node}, and this is ${node}; continuing with its ${devices.size} ` +
      'devices; unless the node was renamed, give each node its own state directory';
    warnings.push(new MacvtapError('LedgerOfOtherNode', message, { facts: { path, node: content.node } }));
  }
  return warnings;
}

/** Describes the first errors, and counts the others. */
function describe(faults: readonly LedgerFault[]): string {
  const shown = faults.slice(0, 3).map(({ path, detail }) => `${path || 'the file'} ${detail}`);
  return [...shown, ...(faults.length > shown.length ? [`${faults.length - shown.length} more`] : [])].join(', ');
}

/** The state of the file after its last write. From `end` on, the file contains only NULs. */
export interface KnownFile {
  readonly inode: number;
  readonly size: number;
  readonly end: number;
}

const [writeOnce, truncateTo] = [promisify(write), promisify(ftruncate)];

/** Returns the state of the file, which has `end` bytes of text, or undefined if the file is absent. */
export function lookAtFile(path: string, end: number): KnownFile | undefined {
  const about = statSync(path, { throwIfNoEntry: false });
  return about && { inode: about.ino, size: about.size, end };
}

/**
 * Appends a line by writing it over the first NULs of the file. Returns the file's new state when the line is on the
 * disk (O_DSYNC). The NULs make this fast, because a write into existing blocks is one disk write. A write that makes
 * the file grow also needs a transaction in the file system's journal, and takes several times as long.
 *
 * Returns undefined and appends nothing if there is no room left, if another process changed the file, or if the write
 * fails. The caller must then write the whole file. If that also fails, the caller gets an error.
 */
export async function appendLine(path: string, known: KnownFile, line: string): Promise<KnownFile | undefined> {
  const bytes = Buffer.from(line);
  if (known.end + bytes.length > known.size) return undefined;
  const fd = openKnown(path, known);
  if (fd === undefined) return undefined;
  try {
    const { bytesWritten } = await writeOnce(fd, bytes, 0, bytes.length, known.end);
    if (bytesWritten === bytes.length) return { ...known, end: known.end + bytesWritten };
    throw new Error(`${bytesWritten} of ${bytes.length} bytes were written`);
  } catch {
    // The file may contain a part of the line, or the whole line without having it on the disk. The line is removed.
    await truncateTo(fd, known.end).catch(() => undefined);
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens the file if it is unchanged. Returns undefined otherwise. The calls are synchronous, because a switch to
 * another thread takes longer than these calls.
 */
function openKnown(path: string, { inode, size }: KnownFile): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_DSYNC | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const about = fstatSync(fd);
  if (about.ino === inode && about.size === size) return fd;
  closeSync(fd);
  return undefined;
}

/**
 * How many broken files are kept. Several are kept, so that a repeated start does not delete the file that the first
 * start set aside.
 */
const maxKept = 5;

/**
 * Gives a file a second name, `<file>.broken-<n>`, which remains when the file is replaced. Returns the path with that
 * name. If an interrupted process has already given the file such a name, returns that name. Keeps the five newest
 * broken files. Raises FileNotWritten.
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

/** Returns the numbers of the broken files, oldest first. */
async function brokenNumbers(path: string): Promise<readonly number[]> {
  const start = `${basename(path)}.broken-`;
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(start));
  return names
    .map((name) => name.slice(start.length))
    .filter((text) => /^[1-9]\d{0,8}$/.test(text))
    .map(Number)
    .sort((left, right) => left - right);
}
