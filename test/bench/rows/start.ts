// SPDX-License-Identifier: Apache-2.0
import { type BenchNode, makeBenchNode } from '../bench-node.ts';
import { measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';

const rounds = 7;

/** The default of --settle. It is set explicitly, because the second figure subtracts it. */
const settleMs = 300;

/**
 * Measures the time from the start of the node plugin until kubelet, which the bench plays, has the list of devices.
 * For comparison, measures how long a Node.js runs that has nothing to do. The second figure subtracts the settle time.
 * It still contains the two readings of the links before and after that time.
 */
export const start: BenchRow = {
  name: 'start',
  needsRoot: true,
  async measure(report) {
    await using node = await makeBenchNode(['eth0', 'eth1']);
    await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity: 100 });
    report(`${rounds} starts`);
    const samples = await interleave(
      { rounds, warmUp: 1 },
      { plugin: async () => [await startPlugin(node)], bare: async () => [await timeMs(() => runNothing(node))] },
    );
    const beside = { title: 'node -e 0', ...measurement(samples.bare, 0.5) };
    const settled = samples.plugin.map((ms) => ms - settleMs);
    return [
      { title: 'start → registered, p50', unit: 'ms', ...measurement(samples.plugin, 0.5), beside },
      {
        title: `the same less the settle time (${settleMs} ms)`,
        unit: 'ms',
        ...measurement(settled, 0.5),
        beside,
        reach: { valueAtMost: 1_000 },
      },
    ];
  },
};

async function startPlugin(node: BenchNode): Promise<number> {
  const begin = performance.now();
  await using _plugin = node.start({ settle: `${settleMs}ms` });
  await node.offers({ net: 100 });
  return performance.now() - begin;
}

async function runNothing(node: BenchNode): Promise<void> {
  const { code } = await node.runNode('-e', '0').exit;
  if (code !== 0) throw new Error(`node -e 0 ended with ${code}`);
}
