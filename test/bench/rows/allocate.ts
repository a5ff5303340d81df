// SPDX-License-Identifier: Apache-2.0
import { type BareLinks, startBareLinks } from '../bare-links.ts';
import { makeBenchNode, type ResourceClient } from '../bench-node.ts';
import { compareMs, type Figure } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';

/** How many calls one contender makes before the other one has its turn. */
const block = 10;
const blocks = 30;
const atOnce = 8;
const bursts = 25;
const warmUp = 3;

/**
 * The number of devices. Each fresh call takes a device that was never used. The parent of the bare links gets the same
 * number of links.
 */
const quantity = (blocks + warmUp) * block + (bursts + warmUp) * atOnce;

/** The calls of this row. Rows that measure other calls of kubelet beside Allocate make as many. */
export const calls = { block, blocks, atOnce, bursts, warmUp, quantity } as const;

/**
 * Measures Allocate over gRPC through the real process, fresh and reused. A fresh call is compared with its parts: a
 * bare netlink creation in the same namespace, a durable write of one line to the same file system, and a gRPC call to
 * the same process that does nothing. A call that creates nothing is compared only with the gRPC call.
 */
export const allocate: BenchRow = {
  name: 'allocate',
  needsRoot: true,
  async measure(report) {
    await using node = await makeBenchNode(['eth0', 'eth1']);
    await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity });
    await using _plugin = node.start();
    await node.offers({ net: quantity });
    await using bare = await startBareLinks(node.plugin.namespace, 'eth1', node.plugin.manifests);
    using client = node.dial('net');
    let next = 0;
    const fresh = () => next++;
    report('fresh links, back to back');
    const alone = await measureFresh(client, bare, fresh);
    report('the same links again');
    const again = await measureReused(client);
    report(`${atOnce} at once`);
    return [...alone, ...again, ...(await measureBursts(client, bare, fresh))];
  },
};

const partsTitle = 'bare create + durable append + empty gRPC call';

async function measureFresh(client: ResourceClient, bare: BareLinks, fresh: () => number): Promise<readonly Figure[]> {
  const samples = await interleave(
    { rounds: blocks, warmUp },
    {
      allocate: () => backToBack(() => client.allocate(fresh())),
      create: () => bare.create(block, false),
      append: () => bare.append(block),
      ask: () => backToBack(() => client.ask()),
    },
  );
  const { allocate: taken, create, append, ask } = samples;
  const parts = create.map((ms, index) => ms + (append[index] ?? 0) + (ask[index] ?? 0));
  const together = compareMs('Allocate, fresh link, p50, beside its parts', 0.5, taken, partsTitle, parts);
  return [
    { ...together, reach: { ratioAtMost: 1.5 } },
    compareMs('Allocate, fresh link, p50', 0.5, taken, 'bare netlink create', create, 1),
    compareMs('Allocate, fresh link, p99', 0.99, taken, 'bare netlink create', create, 4),
    compareMs('durable append of a ledger line, p50', 0.5, append, 'empty gRPC call', ask),
  ];
}

async function measureReused(client: ResourceClient): Promise<readonly Figure[]> {
  let next = 0;
  const samples = await interleave(
    { rounds: blocks, warmUp },
    {
      allocate: () => backToBack(() => client.allocate(next++ % (blocks * block))),
      bare: () => backToBack(() => client.ask()),
    },
  );
  return [
    compareMs('Allocate, reused link, p50', 0.5, samples.allocate, 'empty gRPC call', samples.bare, 0.5),
    compareMs('Allocate, reused link, p99', 0.99, samples.allocate, 'empty gRPC call', samples.bare),
  ];
}

async function measureBursts(client: ResourceClient, bare: BareLinks, fresh: () => number): Promise<readonly Figure[]> {
  const samples = await interleave(
    { rounds: bursts, warmUp },
    {
      allocate: () => Promise.all(Array.from({ length: atOnce }, () => timeMs(() => client.allocate(fresh())))),
      bare: () => bare.create(atOnce, true),
    },
  );
  const title = `Allocate, fresh link, ${atOnce} at once`;
  return [
    compareMs(`${title}, p50`, 0.5, samples.allocate, `bare creates, ${atOnce} at once`, samples.bare),
    compareMs(`${title}, p99`, 0.99, samples.allocate, `bare creates, ${atOnce} at once`, samples.bare),
  ];
}

async function backToBack(call: () => Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < block; index += 1) times.push(await timeMs(call));
  return times;
}
