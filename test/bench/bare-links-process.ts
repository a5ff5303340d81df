// SPDX-License-Identifier: Apache-2.0
import { openLinks } from '../../nodeplugin/links/links.ts';
import { readTapNode } from '../../nodeplugin/links/tap-node.ts';
import type { CreateOrder, CreateReport } from './bare-links.ts';
import { timeMs } from './interleave.ts';

// node bare-links-process.ts <parent>, inside the namespace of the parent, with a channel to whoever started it.
const [parent] = process.argv.slice(2);
await using links = await openLinks();
const parentIfindex = (await links.readInterfaces()).find(({ name }) => name === parent)?.ifindex;
if (parentIfindex === undefined) throw new Error(`no interface ${parent}`);

/** Below what the node plugin takes (0x4000_0000 up); /dev is one for all, so each process has 4,096 of its own. */
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

async function create({ count, atOnce }: CreateOrder): Promise<readonly number[]> {
  if (atOnce) return Promise.all(Array.from({ length: count }, createOne));
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await createOne());
  return times;
}

const ended = Promise.withResolvers<void>();
process.on('message', (order: CreateOrder) => {
  create(order)
    .catch((thrown: unknown): CreateReport => ({ error: String(thrown) }))
    .then((report) => process.send?.(report));
});
process.on('disconnect', ended.resolve);
await ended.promise;

/** Of our own pattern: a node plugin beside does not take it for a change of the node's interfaces, and reads nothing. */
function bareName(number: number): string {
  return `mvtba4e${number.toString(16).padStart(8, '0')}`;
}
