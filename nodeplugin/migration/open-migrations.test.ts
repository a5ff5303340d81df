// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetadataLookups } from '../../cluster/api/lookups.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { migrationJobLabel } from './migration-target.ts';
import { openMigrations } from './open-migrations.ts';

const parked = (index: number): DeviceRecord => ({
  ...{ resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: index + 1, attempt: 0, lastUsed: 1 },
  pod: `vms/virt-launcher-vm-${index}`,
  attachment: {
    ...{ containerID: 'c', ifname: 'net1', netnsPath: '/run/netns/a', netnsInode: 1, mac: '02:00:00:00:00:01' },
    podUID: `u${index}`,
    parked: true,
  },
});

test('a namespace has at most 16 links that wait for guests', async () => {
  await using server = await startApiServer();
  using client = connectStandIn(server);
  const records: Record<string, DeviceRecord> = {};
  await using migrations = openMigrations({
    lookups: createMetadataLookups(client),
    source: { origin: { kind: 'cluster', client, mostMatched: undefined } },
    ledger: { entries: () => Object.entries(records), get: (id) => records[id], record: async () => {} },
    lock: createKeyedMutex(),
    detach: async () => assert.fail('nothing moved'),
    onArrived: () => {},
    onMoved: () => {},
    onTrouble: () => {},
  });
  const create = (namespace: string) => {
    const metadata = { namespace, name: 'virt-launcher-vm-x', labels: { [migrationJobLabel]: 'job' } };
    const { uid } = server.store.put({ apiVersion: 'v1', kind: 'Pod', metadata }).metadata;
    return { namespace, name: metadata.name, uid };
  };
  const [pod, other] = [create('vms'), create('others')];
  const isWaiting = (one: typeof pod) => migrations?.isWaitingTarget(one, AbortSignal.timeout(5_000));
  for (let index = 0; index < 15; index += 1) records[`netMvp${index}`] = parked(index);
  assert.equal(await isWaiting(pod), true);
  records.netMvp15 = parked(15);
  assert.equal(await isWaiting(pod), false);
  assert.equal(await isWaiting(other), true);
});
