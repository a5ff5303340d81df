// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { maxSliceDevices } from '../../../policy/plan/dra-devices.ts';
import { readMetrics, sumOf } from '../../apiserver/read-metrics.ts';
import { until } from '../../process/until.ts';
import type { BenchNode } from '../bench-node.ts';
import { type Figure, measurement } from '../figure.ts';
import type { BenchCluster } from './bench-cluster.ts';

const resources = 16;
const perResource = 16;
const edits = 5;
/** How long later writes would be seen. The node plugin looks at its slices again after 200 ms. */
const quietMs = 1_500;

/**
 * Counts the writes of a node's ResourceSlices for one edit of a policy, with the API server's own counters. One kind
 * of edit changes the devices of one resource of many, and the other kind changes no device.
 */
export async function measureSliceWrites(cluster: BenchCluster, { plugin }: BenchNode): Promise<readonly Figure[]> {
  const offers = (mode: string) =>
    Array.from({ length: resources }, (_, index) => ({
      resourceName: `r${index}`,
      parentIface: 'eth0',
      quantity: perResource,
      ...(index === 0 && { mode }),
    }));
  /** Resolves with the number of writes after the node has applied the edit. */
  const edit = async (mode: string, extra: object): Promise<number> => {
    const before = await countWrites(cluster);
    const generation = await cluster.offer(offers(mode), extra);
    await until(
      () => readState(cluster, plugin.name),
      (state) => state?.status?.observedPolicies?.some((policy) => policy.generation === generation) === true,
    );
    await until(
      async () => (await cluster.slicesOf(plugin.name)).flatMap(({ spec }) => spec.devices),
      (devices) =>
        devices.length === resources * perResource &&
        devices.every(({ name, attributes }) => !name.startsWith('r0-') || isText(attributes.mode, mode)),
    );
    await sleep(quietMs);
    return (await countWrites(cluster)) - before;
  };
  await edit('bridge', { priority: 0 });
  const slices = await cluster.slicesOf(plugin.name);
  const writes: Record<'one' | 'none', number[]> = { one: [], none: [] };
  for (let round = 1; round <= edits; round += 1) {
    const mode = round % 2 === 0 ? 'bridge' : 'private';
    writes.one.push(await edit(mode, { priority: 2 * round }));
    writes.none.push(await edit(mode, { priority: 2 * round + 1 }));
  }
  const title = `${resources} resources × ${perResource} devices`;
  const beside = {
    title: `the node's slices, at most ${maxSliceDevices} devices each`,
    value: slices.length,
    count: 1,
  };
  const figure = (what: string, samples: readonly number[]): Figure => ({
    title: `ResourceSlice writes for a policy edit, ${title}, ${what}`,
    unit: 'writes',
    ...measurement(samples, 1),
    beside,
  });
  return [figure('one resource changes', writes.one), figure('no device changes', writes.none)];
}

function isText(attribute: unknown, text: string): boolean {
  return JSON.stringify(attribute) === JSON.stringify({ string: text });
}

async function readState({ controlPlane }: BenchCluster, node: string): Promise<MacvtapNetworkNodeState | undefined> {
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/${node}`;
  const { status, body } = await controlPlane.admin.call('GET', path);
  return status === 200 ? (body as MacvtapNetworkNodeState) : undefined;
}

const writing = ['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION'];

/** Returns the number of writes of ResourceSlices that the API server has answered so far. */
async function countWrites({ controlPlane }: BenchCluster): Promise<number> {
  const text = String(await controlPlane.admin.must('GET', '/metrics'));
  return sumOf(
    readMetrics(text),
    'apiserver_request_total',
    ({ resource, verb }) => resource === 'resourceslices' && writing.includes(verb ?? ''),
  );
}
