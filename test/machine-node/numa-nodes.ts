// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { inMachine, machinePlan } from '../cluster/machine/in-machine.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { PodResourcesListerService } from './pod-resources.pb.ts';

const kubeletSocket = '/var/lib/kubelet/pod-resources/kubelet.sock';

/**
 * Asks the kubelet of a machine for the NUMA nodes of the project's devices, by resource. Kubelet repeats a device for
 * each of its NUMA nodes.
 */
export async function readNumaNodes(node: string): Promise<Readonly<Record<string, readonly number[]>>> {
  const plan = machinePlan(node);
  if (plan === undefined) throw new Error(`${node} is not a machine`);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-kubelet-'));
  const path = join(folder.path, 'kubelet.sock');
  const [program, ...args] = inMachine(plan, ['sleep', 'infinity']);
  await using forwarding = startProcess({
    name: 'ssh',
    command: [program, '-L', `${path}:${kubeletSocket}`, ...args],
  });
  let hasEnded = false;
  void forwarding.exit.then(() => {
    hasEnded = true;
  });
  await until(
    async () => existsSync(path) || hasEnded,
    (isOver) => isOver,
  );
  using kubelet = dialSocket(path);
  const { devices } = await kubelet.call(PodResourcesListerService.getAllocatableResources, {}, { timeoutMs: 60_000 });
  const own = devices.filter(({ resource_name }) => resource_name.startsWith(resourcePrefix));
  const byResource = Map.groupBy(own, ({ resource_name }) => resource_name.slice(resourcePrefix.length));
  return Object.fromEntries(
    [...byResource].map(([name, its]) => [
      name,
      [...new Set(its.flatMap(({ topology }) => topology?.nodes.map(({ ID }) => ID) ?? []))].toSorted(),
    ]),
  );
}
