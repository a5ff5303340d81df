// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { kubeletSocketName, registrationService } from '../../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../../nodeplugin/grpc-client.ts';
import { makeBenchNode } from '../bench-node.ts';
import { measurement } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import type { BenchRow } from '../row.ts';

const rounds = 20;
const resources = ['net0', 'net1', 'net2'];

/**
 * Measures the time from when kubelet's socket is back until every resource is listed again. For comparison, measures
 * the least possible time: a connection to that socket and one Register, which is refused.
 */
export const restartKubelet: BenchRow = {
  name: 'restart-kubelet',
  needsRoot: true,
  async measure(report) {
    await using node = await makeBenchNode(['eth0']);
    const { kubelet } = node.plugin;
    const expected = Object.fromEntries(resources.map((name) => [name, 100]));
    await node.offer(...resources.map((resourceName) => ({ resourceName, parentIface: 'eth0', quantity: 100 })));
    await using _plugin = node.start();
    await node.offers(expected);
    report(`${rounds} restarts`);
    const restart = async () => {
      await kubelet.restart();
      return timeMs(() => node.offers(expected));
    };
    const samples = await interleave(
      { rounds, warmUp: 2 },
      {
        restart: async () => [await restart()],
        bare: async () => [await timeMs(() => registerInVain(kubelet.directory))],
      },
    );
    const figure = (name: string, share: number) => ({
      title: `kubelet restarted → ${resources.length} resources registered, ${name}`,
      unit: 'ms' as const,
      ...measurement(samples.restart, share),
      beside: { title: 'connection and refused Register', ...measurement(samples.bare, share) },
      reach: { valueAtMost: 2_000 },
    });
    return [figure('p50', 0.5), figure('slowest', 1)];
  },
};

async function registerInVain(directory: string): Promise<void> {
  using socket = dialSocket(join(directory, kubeletSocketName));
  const request = { version: 'none', endpoint: 'none', resource_name: 'none', options: null };
  const answer = await socket.call(registrationService.Register, request, { timeoutMs: 10_000 }).catch(() => 'refused');
  if (answer !== 'refused') throw new Error('a Register without a version was accepted');
}
