// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { isNetnsPath, isSameNetns, openNetns } from './open-netns.ts';

for (const path of ['/run/netns/cni-1', '/var/run/netns/x.y', '/proc/17/ns/net', '/run/netns/...']) {
  test(`${path} can be a pod's namespace`, () => assert.equal(isNetnsPath(path), true));
}

for (const path of [
  '',
  'run/netns/x',
  '/run/netns/',
  '/run/netns/..',
  '/run/netns/.',
  '/run/netns/../../etc/passwd',
  '/run/netns/x/y',
  '/run/netns//x',
  '/run/netns/x\0',
  '/proc/self/ns/net',
  '/proc/1/ns/mnt',
  '/proc/1/ns/net/',
  '/proc/../ns/net',
  '/proc/1/root/etc',
  `/run/netns/${'x'.repeat(256)}`,
  ' /run/netns/x',
]) {
  test(`${JSON.stringify(path.slice(0, 40))} cannot be a pod's namespace`, () => {
    assert.equal(isNetnsPath(path), false);
    assert.throws(() => openNetns(path), { code: 'NetnsInvalid' });
  });
}

test("a missing namespace and the process's own namespace are rejected, and no descriptor stays open", () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 3; i += 1) {
    assert.throws(() => openNetns('/run/netns/kmt-never-was'), { code: 'NetnsInvalid', message: /ENOENT/ });
    assert.throws(() => openNetns(`/proc/${process.pid}/ns/net`), { code: 'NetnsInvalid', message: /node's own/ });
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('a path that does not exist is not the same namespace', () => {
  assert.equal(isSameNetns('/run/netns/kmt-never-was', 1), false);
});
