// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetadataLookups } from '../../cluster/api/lookups.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../test/process/until.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { followMigrations } from './follow-migrations.ts';
import { migrationJobLabel, targetReadyAnnotation } from './migration-target.ts';

const attachment = {
  containerID: 'c',
  ifname: 'net1',
  netnsPath: '/run/netns/a',
  netnsInode: 1,
  mac: '02:00:00:00:00:01',
};

/** A device that is attached to a launcher pod of this node. */
const device = (pod: string, podUID: string): DeviceRecord => ({
  resource: 'net',
  parent: 'eth1',
  mode: 'bridge',
  ifindex: 1,
  attempt: 0,
  lastUsed: 1,
  pod,
  attachment: { ...attachment, podUID },
});

const launcher = (name: string, uid: string, machine: string, more: object = {}) => {
  const [namespace = '', pod = ''] = name.split('/');
  const owner = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    name: 'vm',
    uid: machine,
    controller: true,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace, uid, ownerReferences: [owner], ...more },
  };
};
const waiting = { labels: { [migrationJobLabel]: 'job' } };
const ready = { ...waiting, annotations: { [targetReadyAnnotation]: '2026-01-01 00:00:00 +0000 UTC' } };

async function follow(records: Readonly<Record<string, DeviceRecord>>) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  const client = undo.use(connectStandIn(server));
  const detached: string[] = [];
  const moved: string[] = [];
  const troubles: string[] = [];
  let failing = 0;
  const start = () =>
    followMigrations({
      client,
      lookups: createMetadataLookups(client),
      ledger: { entries: () => Object.entries(records) },
      detach: async ({ id }) => {
        if (failing > 0) {
          failing -= 1;
          throw new MacvtapError('NetlinkRefused', 'busy');
        }
        detached.push(id);
      },
      onMoved: ({ id }, target) => void moved.push(`${id} ${target}`),
      onTrouble: ({ message }) => void troubles.push(message),
    });
  const scope = undo.move();
  return {
    server,
    detached,
    moved,
    troubles,
    start,
    failOnce: () => {
      failing = 1;
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const source = 'vms/virt-launcher-vm-aaaaa';
const target = 'vms/virt-launcher-vm-bbbbb';

describe('the link of a guest that migrates away', () => {
  it('is removed when the target pod is annotated, and not before', async () => {
    await using stage = await follow({ netMvp0: device(source, 'u1'), netMvp1: device(source, 'u1') });
    stage.server.store.put(launcher(source, 'u1', 'vmi-1'));
    await using _ = stage.start();
    stage.server.store.put(launcher(target, 'u2', 'vmi-1', waiting));
    await until(
      async () => stage.server.watches,
      (watches) => watches === 1,
    );
    assert.deepEqual(stage.detached, []);
    stage.server.store.put(launcher(target, 'u2', 'vmi-1', ready));
    await until(
      async () => stage.moved,
      (moved) => moved.length === 2,
    );
    assert.deepEqual(stage.detached, ['netMvp0', 'netMvp1']);
    assert.deepEqual(stage.moved, [`netMvp0 ${target}`, `netMvp1 ${target}`]);
  });

  it('is removed by the next attempt after a failure', async () => {
    await using stage = await follow({ netMvp0: device(source, 'u1') });
    stage.failOnce();
    stage.server.store.put(launcher(source, 'u1', 'vmi-1'));
    stage.server.store.put(launcher(target, 'u2', 'vmi-1', ready));
    await using _ = stage.start();
    await until(
      async () => stage.moved,
      (moved) => moved.length === 1,
    );
    assert.deepEqual([stage.detached, stage.troubles], [['netMvp0'], ['busy']]);
  });

  it('is kept with any annotations of other pods', async () => {
    const other = 'others/virt-launcher-vm-aaaaa';
    await using stage = await follow({
      netMvp0: device(source, 'u1'),
      netMvp1: device('vms/virt-launcher-db-aaaaa', 'u3'),
      netMvp2: device(other, 'u4'),
      netMvp3: device(target, 'u2'),
      // Another pod now has the name that the ledger records.
      netMvp4: device('vms/virt-launcher-vm-ccccc', 'u5'),
    });
    const { store } = stage.server;
    for (const object of [
      launcher(source, 'u1', 'vmi-1'),
      launcher('vms/virt-launcher-db-aaaaa', 'u3', 'vmi-3'),
      launcher(other, 'u4', 'vmi-1'),
      launcher('vms/virt-launcher-vm-ccccc', 'u6', 'vmi-1'),
      // These pods are owned by another machine, have no owner, or are annotated without being a target.
      launcher('vms/virt-launcher-x-aaaaa', 'u7', 'vmi-7', ready),
      launcher('vms/virt-launcher-y-aaaaa', 'u8', 'vmi-1', { ...ready, ownerReferences: [] }),
      launcher('vms/virt-launcher-z-aaaaa', 'u9', 'vmi-1', { annotations: ready.annotations }),
    ]) {
      store.put(object);
    }
    await using _ = stage.start();
    await until(
      async () => stage.server.watches,
      (watches) => watches === 2,
    );
    // Only this pod is a valid target, and only its source is detached.
    store.put(launcher(target, 'u2', 'vmi-1', ready));
    await until(
      async () => stage.moved,
      (moved) => moved.length > 0,
    );
    assert.deepEqual([stage.detached, stage.troubles], [['netMvp0'], []]);
  });

  it('is kept in a new target pod while the target pod of an earlier migration is still annotated', async () => {
    const [later, other] = ['vms/virt-launcher-vm-ccccc', 'vms/virt-launcher-db-aaaaa'];
    await using stage = await follow({
      netMvp0: device(later, 'u3'),
      netMvp1: device(later, 'u3'),
      netMvp2: device(other, 'u4'),
    });
    const { store } = stage.server;
    const at = (time: string, more: object) => ({ ...more, creationTimestamp: `2026-01-01T${time}Z` });
    store.put(launcher(target, 'u2', 'vmi-1', at('00:01:00', ready)));
    store.put(launcher(later, 'u3', 'vmi-1', at('00:02:00', waiting)));
    store.put(launcher(other, 'u4', 'vmi-2'));
    // Waits until the move of another machine has been processed. By then, all other targets have also been checked.
    const moveOther = async (uid: string) => {
      const to = `vms/virt-launcher-db-${uid}`;
      store.put(launcher(to, uid, 'vmi-2', ready));
      await until(
        async () => stage.moved,
        (moved) => moved.includes(`netMvp2 ${to}`),
      );
    };
    {
      await using _ = stage.start();
      await moveOther('u5');
    }
    // The guest has arrived, and the pod that it left still exists when the node plugin starts.
    store.put(launcher(later, 'u3', 'vmi-1', at('00:02:00', ready)));
    {
      await using _ = stage.start();
      await moveOther('u6');
    }
    assert.deepEqual([...new Set(stage.detached)], ['netMvp2']);
  });

  it('needs one lookup for each pod, even if many pods look like targets', async () => {
    await using stage = await follow({ netMvp0: device(source, 'u1'), netMvp1: device(source, 'u1') });
    const { store } = stage.server;
    store.put(launcher(source, 'u1', 'vmi-1'));
    for (let count = 0; count < 50; count += 1) {
      store.put(launcher(`vms/virt-launcher-fake-${count}`, `f${count}`, 'vmi-2', ready));
    }
    await using _ = stage.start();
    await until(
      async () => stage.server.watches,
      (watches) => watches === 1,
    );
    store.put(launcher(target, 'u2', 'vmi-1', ready));
    await until(
      async () => stage.moved,
      (moved) => moved.length === 2,
    );
    const lookups = stage.server.requests.filter((request) => request.includes('/pods/virt-launcher-vm-aaaaa'));
    assert.equal(lookups.length, 1, lookups.join('\n'));
  });

  it('is followed only in namespaces that have launcher pods on this node', async () => {
    const records: Record<string, DeviceRecord> = { netMvp0: device('web/nginx-0', 'u1') };
    await using stage = await follow(records);
    await using followed = stage.start();
    records.netMvp1 = device(source, 'u1');
    followed.attached('vms');
    await until(
      async () => stage.server.watches,
      (watches) => watches === 1,
    );
    assert.ok(stage.server.requests.every((request) => request.startsWith('GET /api/v1/namespaces/vms/pods?')));
    assert.ok(
      stage.server.requests.every((request) => request.includes('labelSelector=kubevirt.io%2FmigrationJobUID')),
    );
  });
});
