// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchNode, type ResourceClient } from '../bench-node.ts';
import { measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { bundledForm, type ProgramForm, sourceForm } from '../program-form.ts';
import { residentBytes } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';

const rounds = 3;
const devices = 1_000;
const allocations = 3_000;

/** How long to wait until the work after a start is done. It is the same for each process. */
const idleMs = 1_000;

/**
 * Measures the resident memory of the node plugin, from source and bundled, idle and after 3,000 Allocates, of which a
 * third are fresh. For comparison, measures a Node.js of the same version that only keeps a timer. The design's limit
 * is for the bundled form.
 */
export const residentMemory: BenchRow = {
  name: 'resident-memory',
  needsRoot: true,
  async measure(report) {
    await using bundled = await bundledForm('nodeplugin');
    const source = sourceForm('nodeplugin');
    const forms = [source, bundled];
    const samples = await interleave(
      { rounds },
      {
        bare: measureBare,
        source: async (round) => {
          report(`round ${round + 1} of ${rounds}`);
          return measurePlugin(source);
        },
        bundled: () => measurePlugin(bundled),
      },
    );
    const beside = { title: 'bare Node.js with a timer', ...measurement(samples.bare, 0.5) };
    return forms.flatMap(({ name }) => {
      const title = `node plugin's resident memory, ${name}`;
      const figure = { unit: 'bytes', beside } as const;
      const reach = name === 'bundled' && { reach: { ratioAtMost: 1.9 } };
      const of = (part: 0 | 1) =>
        measurement(
          samples[name].filter((_, index) => index % 2 === part),
          0.5,
        );
      return [
        { ...figure, ...reach, title: `${title}, idle`, ...of(0) },
        { ...figure, ...reach, title: `${title}, after ${allocations} Allocates`, ...of(1) },
      ];
    });
  },
};

async function measureBare(): Promise<readonly number[]> {
  await using node = await makeBenchNode([]);
  await using bare = node.runNode('-e', 'setInterval(() => {}, 1e9)');
  await sleep(idleMs);
  return [await residentBytes(bare.pid)];
}

/** Returns two samples: idle, and after the work. */
async function measurePlugin(form: ProgramForm): Promise<readonly number[]> {
  await using node = await makeBenchNode(['eth0']);
  await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity: devices });
  await using plugin = node.start({ form });
  await node.offers({ net: devices });
  await sleep(idleMs);
  const idle = await residentBytes(plugin.pid);
  using client = node.dial('net');
  await allocateAll(client);
  await sleep(idleMs);
  return [idle, await residentBytes(plugin.pid)];
}

async function allocateAll(client: ResourceClient): Promise<void> {
  for (let index = 0; index < allocations; index += 1) await client.allocate(index % devices);
}
