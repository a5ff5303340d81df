// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync, write, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openLinks } from '../../nodeplugin/links/links.ts';
import { readTapNode } from '../../nodeplugin/links/tap-node.ts';
import type { BareOrder, BareReport } from './bare-links.ts';
import { timeMs } from './interleave.ts';

// Usage: node bare-links-process.ts <parent link> <directory>. Runs in the network namespace of that link, with an IPC
// channel to the process that started it.
const [parent, directory = ''] = process.argv.slice(2);
await using links = await openLinks();
const parentIfindex = (await links.readInterfaces()).find(({ name }) => name === parent)?.ifindex;
if (parentIfindex === undefined) throw new Error(`no interface ${parent}`);

/**
 * The first index, which is below the node plugin's range (0x4000_0000 and up). All processes share /dev, so each one
 * uses a separate range of 4,096.
 */
const firstIfindex = 0x2000_0000 + (process.pid % 0x8000) * 0x1000;
let made = 0;

async function createOne(): Promise<number> {
  made += 1;
  const ifindex = firstIfindex + made;
  const request = { name: bareName(made), ifindex, parentIfindex: parentIfindex as number, mode: 'bridge' } as const;
  const ms = await timeMs(() => links.createMacvtap(request));
  if (made === 1 && !(await readTapNode(ifindex)).matches) throw new Error(`/dev/tap${ifindex} is not the link's own`);
  return ms;
}

/** The length of a ledger line for a device without an attachment. */
const line = Buffer.alloc(180, 'x');
const path = join(directory, 'appended');
writeFileSync(path, Buffer.alloc(1024 * 1024));
const file = openSync(path, constants.O_WRONLY | constants.O_DSYNC);
const writeTo = promisify(write);
let written = 0;

async function appendOne(): Promise<number> {
  const ms = await timeMs(() => writeTo(file, line, 0, line.length, written));
  written += line.length;
  return ms;
}

async function carryOut({ work, count, atOnce }: BareOrder): Promise<readonly number[]> {
  const one = work === 'create' ? createOne : appendOne;
  if (atOnce) return Promise.all(Array.from({ length: count }, one));
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await one());
  return times;
}

const ended = Promise.withResolvers<void>();
process.on('message', (order: BareOrder) => {
  carryOut(order)
    .catch((thrown: unknown): BareReport => ({ error: String(thrown) }))
    .then((report) => process.send?.(report));
});
process.on('disconnect', ended.resolve);
await ended.promise;
closeSync(file);

/**
 * Returns a link name with the product's own pattern. A node plugin on the same node ignores such links, and does not
 * read its interfaces again.
 */
function bareName(number: number): string {
  return `mvtba4e${number.toString(16).padStart(8, '0')}`;
}
