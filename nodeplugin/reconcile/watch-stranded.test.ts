// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { watchStranded } from './collect-orphans.ts';

const given = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 } as const;
const mac = '02:00:00:00:00:01';
const attachment = { containerID: 'c1', ifname: 'net1', netnsPath: '/run/netns/a', netnsInode: 1, mac };
const attached: DeviceRecord = { ...given, listed: true, attachment };

/** Starts the watch on a node with one device. A test can replace each part of the node's state. */
function start(record: DeviceRecord = attached) {
  const node = { record, nowMs: 0, isHeldKnown: true, mayBeHeld: false, wasListed: false, isSandboxThere: true };
  const changes: string[] = [];
  const ids = (devices: readonly { readonly id: string }[]) => devices.map(({ id }) => id).join();
  const watch = watchStranded({
    graceMs: 100,
    ledger: { entries: () => [['netMvp0', node.record]] },
    held: { mayBeHeld: () => node.mayBeHeld, wasListed: () => node.wasListed },
    isHeldKnown: () => node.isHeldKnown,
    onChange: (began, ended) => changes.push(`+${ids(began)} -${ids(ended)}`),
    isSandboxThere: () => node.isSandboxThere,
    now: () => node.nowMs,
  });
  const lookAt = (nowMs: number) => {
    node.nowMs = nowMs;
    watch.look();
    return ids(watch.current);
  };
  return { node, changes, lookAt };
}

test('an attachment is stranded if its device was released for the whole grace period, and is reported once', () => {
  const { node, changes, lookAt } = start();
  assert.deepEqual([lookAt(0), lookAt(99), lookAt(100), lookAt(200)], ['', '', 'netMvp0', 'netMvp0']);
  node.isSandboxThere = false;
  assert.equal(lookAt(300), '');
  assert.deepEqual(changes, ['+netMvp0 -', '+ -netMvp0']);
});

for (const [title, change, expected] of [
  ['the device may be held', { mayBeHeld: true }, ''],
  ['the sandbox is gone', { isSandboxThere: false }, ''],
  ['kubelet never listed the device, which is normal for an init container', { record: { ...given, attachment } }, ''],
  [
    'the ledger does not record that kubelet listed the device, but this process saw it',
    {
      record: { ...given, attachment },
      wasListed: true,
    },
    'netMvp0',
  ],
  ['DEL has detached the device', { record: { ...given, listed: true } }, ''],
] as const) {
  test(`${title}: ${expected === '' ? 'not stranded' : 'stranded'}`, () => {
    const { node, lookAt } = start();
    Object.assign(node, change);
    lookAt(0);
    assert.equal(lookAt(1_000), expected);
  });
}

test('the grace period begins again if kubelet lists the device in between, or the device has a new sandbox', () => {
  const { node, lookAt } = start();
  lookAt(0);
  node.mayBeHeld = true;
  lookAt(50);
  node.mayBeHeld = false;
  assert.deepEqual([lookAt(60), lookAt(110), lookAt(160)], ['', '', 'netMvp0']);
  node.record = { ...attached, attachment: { ...attachment, containerID: 'c2' } };
  assert.deepEqual([lookAt(170), lookAt(270)], ['', 'netMvp0']);
});

test('while kubelet may not know all its pods, attachments do not become stranded or cease to be', () => {
  const { node, changes, lookAt } = start();
  node.isHeldKnown = false;
  assert.deepEqual([lookAt(0), lookAt(500)], ['', '']);
  node.isHeldKnown = true;
  assert.deepEqual([lookAt(500), lookAt(600)], ['', 'netMvp0']);
  node.isHeldKnown = false;
  node.mayBeHeld = true;
  assert.equal(lookAt(700), 'netMvp0');
  assert.deepEqual(changes, ['+netMvp0 -']);
});
