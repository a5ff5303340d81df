// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchNode, type ResourceClient } from '../bench-node.ts';
import { type Figure, measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm, type ProgramForm, sourceForm } from '../program-form.ts';
import { type MemoryShare, memoryShare, residentBytes } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';

const rounds = 3;
const devices = 1_000;
const allocations = 3_000;

/**
 * How long to wait until the work after a start is done. It is the same for each process. The node plugin returns
 * unused memory twice, for the second time once it has been idle for ten to fifteen seconds.
 */
const idleMs = 20_000;

/** The design's limit for the bundled form. */
const reach = { reach: { valueAtMost: 40_000_000 } };

/**
 * Measures the memory of the node plugin, from source and bundled, idle and after 3,000 Allocates, of which a third are
 * fresh. For comparison, measures a Node.js of the same version that only keeps a timer. The design limits the
 * proportional set size. It divides the pages of Node.js's own file by the number of processes that use them: here, the
 * node plugin and the bench.
 */
export const residentMemory: BenchRow = {
  name: 'resident-memory',
  needsRoot: true,
  async measure(report) {
    await using bundled = await bundledForm('nodeplugin');
    const source = sourceForm('nodeplugin');
    const samples = await interleave(
      { rounds },
      {
        bare: async () => (await measureBare()).map(({ proportional }) => proportional),
        source: async (round) => {
          report(`round ${round + 1} of ${rounds}`);
          return (await measurePlugin(source)).map(({ proportional }) => proportional);
        },
        bundled: async () => (await measurePlugin(bundled)).flatMap((sample) => Object.values(sample)),
      },
    );
    const beside = { title: 'bare Node.js with a timer', ...measurement(samples.bare, 0.5) };
    const figure = (title: string, values: readonly number[], [part, parts]: readonly [number, number]): Figure => ({
      title: `node plugin's ${title}`,
      unit: 'bytes',
      ...measurement(
        values.filter((_, index) => index % parts === part),
        0.5,
      ),
    });
    const after = `after ${allocations} Allocates`;
    return [
      { ...figure('proportional set size, source, idle', samples.source, [0, 2]), beside },
      { ...figure(`proportional set size, source, ${after}`, samples.source, [1, 2]), beside },
      { ...figure('proportional set size, bundled, idle', samples.bundled, [0, 6]), beside, ...reach },
      { ...figure(`proportional set size, bundled, ${after}`, samples.bundled, [3, 6]), beside, ...reach },
      figure(`unshared memory, bundled, ${after}`, samples.bundled, [4, 6]),
      figure(`resident memory, bundled, ${after}`, samples.bundled, [5, 6]),
    ];
  },
};

interface Sample extends MemoryShare {
  readonly resident: number;
}

async function measure(pid: number): Promise<Sample> {
  const { proportional, private: unshared } = await memoryShare(pid);
  return { proportional, private: unshared, resident: await residentBytes(pid) };
}

async function measureBare(): Promise<readonly Sample[]> {
  await using node = await makeBenchNode([]);
  await using bare = node.runNode('-e', 'setInterval(() => {}, 1e9)');
  await sleep(1_000);
  return [await measure(bare.pid)];
}

/** Returns two samples: idle, and after the work. */
async function measurePlugin(form: ProgramForm): Promise<readonly Sample[]> {
  await using node = await makeBenchNode(['eth0']);
  await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity: devices });
  await using plugin = node.start({ form });
  await node.offers({ net: devices });
  await sleep(idleMs);
  const idle = await measure(plugin.pid);
  using client = node.dial('net');
  await allocateAll(client);
  await sleep(idleMs);
  return [idle, await measure(plugin.pid)];
}

async function allocateAll(client: ResourceClient): Promise<void> {
  for (let index = 0; index < allocations; index += 1) await client.allocate(index % devices);
}
