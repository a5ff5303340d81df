// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import type { Attachment, DeviceRecord } from '../ledger/device-record.ts';
import { collectOrphans, decideOrphans, orphanName } from './collect-orphans.ts';

test('only one check runs at a time, and checks that are due during it are skipped', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reads: PromiseWithResolvers<readonly []>[] = [];
  let looks = 0;
  let seen = Promise.withResolvers<void>();
  const collector = collectOrphans({
    graceMs: 100,
    links: {
      readInterfaces: () => {
        const read = Promise.withResolvers<readonly []>();
        reads.push(read);
        return read.promise;
      },
      getLink: async () => assert.fail('no link is looked for'),
      deleteLink: async () => assert.fail('no link is deleted'),
    },
    ledger: { entries: () => [], forget: async () => assert.fail('no device is forgotten') },
    held: { current: () => [] },
    isHeldKnown: () => true,
    lock: createKeyedMutex(),
    onCollected: assert.fail,
    onError: assert.fail,
    onLook: () => {
      looks += 1;
      seen.resolve();
    },
  });
  t.mock.timers.tick(50 * 1_000);
  assert.equal(reads.length, 1);
  reads[0]?.resolve([]);
  await seen.promise;
  // The next check can start only one turn after the previous check has ended.
  await new Promise(setImmediate);
  assert.deepEqual([reads.length, looks], [1, 1]);
  seen = Promise.withResolvers();
  t.mock.timers.tick(50);
  assert.equal(reads.length, 2);
  reads[1]?.resolve([]);
  await seen.promise;
  await collector[Symbol.asyncDispose]();
  assert.deepEqual([reads.length, looks], [2, 2]);
});

function entry(id: string, attachment?: Attachment): readonly [string, DeviceRecord] {
  const given = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 } as const;
  return [id, { ...given, ...(attachment !== undefined && { attachment }) }];
}

function macvtap(name: string, ifindex: number) {
  return readInterface({ name, ifindex, kind: 'macvtap' });
}

const attachment = {
  containerID: 'c',
  ifname: 'net1',
  netnsPath: '/run/netns/a',
  netnsInode: 1,
  mac: '02:00:00:00:00:01',
};
const stray = macvtap('mvt0123456789ab', 9);

const cases = [
  { title: 'a device without a holder', entries: [entry('netMvp0')], want: ['device netMvp0'] },
  { title: 'not a device that is held', entries: [entry('netMvp0')], held: ['netMvp0'], want: [] },
  { title: 'not a device in a pod, which DEL removes', entries: [entry('netMvp0', attachment)], want: [] },
  { title: 'a link without a device', links: [stray], want: ['link mvt0123456789ab (index 9)'] },
  {
    title: 'not the link of a device in the ledger or in a pod',
    links: [macvtap(linkName('netMvp0'), 5), macvtap(linkName('netMvp1'), 6)],
    entries: [entry('netMvp0', attachment)],
    held: ['netMvp1'],
    want: [],
  },
  {
    title: 'not links of other names and kinds',
    links: [
      macvtap('macvtap0', 3),
      readInterface({ name: 'mvt0123456789ab', ifindex: 4 }),
      readInterface({ name: 'eth0' }),
    ],
    want: [],
  },
];

for (const { title, links = [], entries = [], held = [], want } of cases) {
  test(`an orphan is: ${title}`, () => {
    const orphans = decideOrphans(
      links,
      entries,
      held.map((id) => ({ id, resource: 'net' })),
    );
    assert.deepEqual(orphans.map(orphanName), want);
  });
}
