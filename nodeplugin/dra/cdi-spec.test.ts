// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { draDriver } from '../../policy/device/dra-names.ts';
import { cdiDeviceID, createLeftoverCollector, openCDIDirectory } from './cdi-spec.ts';

const claim = { namespace: 'vms', name: 'net', uid: 'u1' };

async function scratch() {
  const directory = await mkdtemp(join(tmpdir(), 'cdi-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('a claim has one file, which contains the device that kubelet names, and leads back to the claim', async () => {
  await using folder = await scratch();
  const directory = join(folder.directory, 'missing/cdi');
  const cdi = openCDIDirectory(directory);
  await cdi.write(claim, [{ name: 'data-0', paths: ['/dev/tap9', '/dev/vhost-net'] }]);
  const spec = JSON.parse(await readFile(join(directory, 'kube-macvtap-claim-u1.json'), 'utf8'));
  const [device] = spec.devices;
  assert.equal(`${spec.kind}=${device.name}`, cdiDeviceID(claim, 'data-0'));
  assert.deepEqual(device.containerEdits.deviceNodes, [
    { path: '/dev/tap9', permissions: 'rw' },
    { path: '/dev/vhost-net', permissions: 'rw' },
  ]);
  assert.deepEqual(await cdi.list(), [claim]);
  await cdi.write(claim, [{ name: 'data-0', paths: ['/dev/tap8'] }]);
  assert.deepEqual(await readdir(directory), ['kube-macvtap-claim-u1.json']);
  await cdi.remove('u1');
  await cdi.remove('u1');
  assert.deepEqual(await readdir(directory), []);
});

test('with the file of a claim, the temporary files disappear that killed processes left of it', async () => {
  await using folder = await scratch();
  const cdi = openCDIDirectory(folder.directory);
  await cdi.write(claim, []);
  const leftOf = (uid: string) => `.kube-macvtap-claim-${uid}.json.0123456789ab.tmp`;
  for (const uid of ['u1', 'u2']) await writeFile(join(folder.directory, leftOf(uid)), '{');
  await cdi.remove('u1');
  assert.deepEqual(await readdir(folder.directory), [leftOf('u2')]);
});

test('files of other drivers are never listed, and a broken file gives a claim that does not exist', async () => {
  await using folder = await scratch();
  await writeFile(join(folder.directory, 'other.json'), '{}');
  await writeFile(join(folder.directory, 'kube-macvtap-claim-u2.json'), '{"devices":');
  assert.deepEqual(await openCDIDirectory(folder.directory).list(), [
    { namespace: 'undefined', name: 'undefined', uid: 'u2' },
  ]);
});

test('a directory that cannot be written is an error that names it', async () => {
  await using folder = await scratch();
  const directory = join(folder.directory, 'file');
  await writeFile(directory, '');
  const writing = openCDIDirectory(directory).write(claim, []);
  await assert.rejects(writing, ({ code, message }: { code: string; message: string }) => {
    assert.match(message, new RegExp(directory));
    return code === 'FileNotWritten';
  });
});

test('a claim is left over only if it was seen twice and the API server does not know it as allocated', async () => {
  await using folder = await scratch();
  await mkdir(folder.directory, { recursive: true });
  const cdi = openCDIDirectory(folder.directory);
  const result = { request: 'r', driver: draDriver, pool: 'h1', device: 'x', adminAccess: false };
  const claims = new Map([
    ['held', { uid: 'held', pods: [], configs: [], results: [result] }],
    ['recreated', { uid: 'another', pods: [], configs: [], results: [result] }],
    ['elsewhere', { uid: 'elsewhere', pods: [], configs: [], results: [{ ...result, pool: 'h2' }] }],
    ['freed', { uid: 'freed', pods: [], configs: [], results: [] }],
  ]);
  const named = (name: string) => ({ namespace: 'vms', name, uid: name });
  await cdi.write(named('file-only'), [{ name: 'data-0', paths: [] }]);
  const unprepared: string[] = [];
  const collect = createLeftoverCollector({
    nodeName: 'h1',
    cdi,
    unattached: () => ['held', 'recreated', 'elsewhere', 'freed', 'gone'].map(named),
    isInLedger: (uid) => uid !== 'file-only',
    findClaim: async (_namespace, name) => claims.get(name),
    unprepare: async ({ uid }) => void unprepared.push(uid),
  });
  const { signal } = new AbortController();
  assert.deepEqual(await collect(signal), []);
  assert.deepEqual(await collect(signal), ['vms/recreated', 'vms/elsewhere', 'vms/freed', 'vms/gone', 'vms/file-only']);
  assert.deepEqual(unprepared, ['recreated', 'elsewhere', 'freed', 'gone', 'file-only']);
});
