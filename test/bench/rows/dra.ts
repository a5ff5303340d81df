// SPDX-License-Identifier: Apache-2.0
import type { ClaimRef } from '../../../nodeplugin/dra/prepare-claim.ts';
import { findDriver } from '../../process/find-driver.ts';
import { until } from '../../process/until.ts';
import type { ResourceClient } from '../bench-node.ts';
import { type BenchCluster, startBenchCluster } from '../dra/bench-cluster.ts';
import { type DriverClient, dialDriver, makeClaims, readClaim } from '../dra/claim-calls.ts';
import { measureSliceWrites } from '../dra/slice-writes.ts';
import { compareMs, type Figure } from '../figure.ts';
import { interleave, timeMs } from '../interleave.ts';
import { bundledForm } from '../program-form.ts';
import type { BenchRow } from '../row.ts';
import { calls } from './allocate.ts';

const { block, blocks, atOnce, bursts, warmUp, quantity } = calls;

/**
 * Measures the calls of kubelet to the DRA driver, with claims that a real API server has. For comparison, measures
 * Allocate of the same program with the same API server, on another node, because a node offers a resource through only
 * one of the two APIs. Also counts the writes of ResourceSlices.
 */
export const dra: BenchRow = {
  name: 'dra',
  needsRoot: true,
  async measure(report) {
    await using form = await bundledForm('nodeplugin');
    await using cluster = await startBenchCluster(form);
    await cluster.offer([{ resourceName: 'net', parentIface: 'eth0', quantity }]);
    const plugins = await cluster.startNode('DevicePlugin');
    const driver = await cluster.startNode('DRA');
    await plugins.offers({ net: quantity });
    const { name, kubeletDirectory } = driver.plugin;
    await until(
      async () => (await cluster.slicesOf(name)).flatMap(({ spec }) => spec.devices).length,
      (count) => count === quantity,
    );
    report(`${quantity} claims exist`);
    const claims = await makeClaims(cluster.controlPlane, name, 'net', quantity);
    using allocator = plugins.dial('net');
    using preparer = dialDriver(await findDriver(kubeletDirectory));
    report('one after the other');
    const alone = await measureAlone({ cluster, allocator, preparer, claims });
    report(`${atOnce} at once`);
    const together = await measureBursts({ allocator, preparer, claims });
    report('edits of the policy');
    return [...alone, ...together, ...(await measureSliceWrites(cluster, driver))];
  },
};

interface Parties {
  readonly cluster: BenchCluster;
  readonly allocator: ResourceClient;
  readonly preparer: DriverClient;
  readonly claims: readonly ClaimRef[];
}

async function measureAlone({ cluster, allocator, preparer, claims }: Parties): Promise<readonly Figure[]> {
  const indexesOf = (round: number) => Array.from({ length: block }, (_, index) => round * block + index);
  const backToBack = async (round: number, call: (claim: ClaimRef, index: number) => Promise<void>) => {
    const times: number[] = [];
    for (const index of indexesOf(round)) times.push(await timeMs(() => call(claims[index] as ClaimRef, index)));
    return times;
  };
  const { prepare, allocate, repeat, reuse, unprepare, read } = await interleave(
    { rounds: blocks, warmUp },
    {
      prepare: (round) => backToBack(round, preparer.prepare),
      allocate: (round) => backToBack(round, (_, index) => allocator.allocate(index)),
      repeat: (round) => backToBack(round, preparer.prepare),
      reuse: (round) => backToBack(round, (_, index) => allocator.allocate(index)),
      unprepare: (round) => backToBack(round, preparer.unprepare),
      read: (round) => backToBack(round, (claim) => readClaim(cluster.controlPlane, claim)),
    },
  );
  const parts = allocate.map((ms, index) => ms + (read[index] ?? 0));
  const title = 'NodePrepareResources of a claim';
  return [
    compareMs(`${title}, fresh link, p50`, 0.5, prepare, 'Allocate, fresh link', allocate),
    compareMs(`${title}, fresh link, p99`, 0.99, prepare, 'Allocate, fresh link', allocate),
    compareMs(`${title}, fresh link, p50, beside its parts`, 0.5, prepare, 'Allocate + GET of the claim', parts),
    compareMs(`${title}, again, p50`, 0.5, repeat, 'Allocate, reused link', reuse),
    compareMs(`${title}, again, p99`, 0.99, repeat, 'Allocate, reused link', reuse),
    compareMs('NodeUnprepareResources of a claim, p50', 0.5, unprepare, 'Allocate, fresh link', allocate),
    compareMs('NodeUnprepareResources of a claim, p99', 0.99, unprepare, 'Allocate, fresh link', allocate),
  ];
}

async function measureBursts({ allocator, preparer, claims }: Omit<Parties, 'cluster'>): Promise<readonly Figure[]> {
  const first = (blocks + warmUp) * block;
  const burst = (round: number, call: (index: number) => Promise<void>) =>
    Promise.all(Array.from({ length: atOnce }, (_, index) => timeMs(() => call(first + round * atOnce + index))));
  const { prepare, allocate } = await interleave(
    { rounds: bursts, warmUp },
    {
      prepare: (round) => burst(round, (index) => preparer.prepare(claims[index] as ClaimRef)),
      allocate: (round) => burst(round, allocator.allocate),
    },
  );
  const title = `NodePrepareResources of a claim, fresh link, ${atOnce} at once`;
  return [
    compareMs(`${title}, p50`, 0.5, prepare, `Allocate, ${atOnce} at once`, allocate),
    compareMs(`${title}, p99`, 0.99, prepare, `Allocate, ${atOnce} at once`, allocate),
  ];
}
