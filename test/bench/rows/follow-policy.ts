// SPDX-License-Identifier: Apache-2.0
import { watch } from 'node:fs';
import { mkdtempDisposable, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBenchNode } from '../bench-node.ts';
import { measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';

const rounds = 20;

/**
 * Measures the time from when a program begins to write a policy until kubelet's side has the new list. For comparison,
 * measures the time until a bare fs.watch reports a file that is written in the same way.
 */
export const followPolicy: BenchRow = {
  name: 'follow-policy',
  needsRoot: true,
  async measure(report) {
    await using node = await makeBenchNode(['eth0']);
    const offer = async (quantity: number) => {
      await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity });
      await node.offers({ net: quantity });
    };
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-bench-'));
    await using _plugin = node.start();
    await offer(100);
    report(`${rounds} edits`);
    const samples = await interleave(
      { rounds, warmUp: 2 },
      {
        policy: async (round) => [await timeMs(() => offer(101 + (round % 2)))],
        bare: async () => [await timeMs(() => writeAndHear(folder.path))],
      },
    );
    const figure = (name: string, share: number) => ({
      title: `policy file changed → device list received, ${name}`,
      unit: 'ms' as const,
      ...measurement(samples.policy, share),
      beside: { title: 'file changed → bare fs.watch', ...measurement(samples.bare, share) },
      reach: { valueAtMost: 500 },
    });
    return [figure('p50', 0.5), figure('slowest', 1)];
  },
};

/** Writes a temporary file and renames it, as for the policy, and waits until the new name is reported. */
async function writeAndHear(directory: string): Promise<void> {
  const heard = Promise.withResolvers<void>();
  const watcher = watch(directory, (_, name) => name === 'policy.yaml' && heard.resolve());
  try {
    await writeFile(join(directory, '.policy.yaml'), 'quantity: 100\n');
    await rename(join(directory, '.policy.yaml'), join(directory, 'policy.yaml'));
    await heard.promise;
  } finally {
    watcher.close();
  }
}
