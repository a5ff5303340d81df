// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { chooseSocketPath, maxSocketPathBytes, socketNamePattern } from './socket-path.ts';

const kubelets = '/var/lib/kubelet/device-plugins';

test("a socket in kubelet's own directory is named after its resource", () => {
  assert.equal(chooseSocketPath(kubelets, 'dataplane', '5f01c2'), `${kubelets}/kube-macvtap-dataplane.5f01c2.sock`);
});

test('a name that does not fit becomes a hash, different for different resources', () => {
  const long = `${kubelets}/${'d'.repeat(24)}`;
  const paths = ['a', 'b'].map((letter) => chooseSocketPath(long, letter.repeat(63), '5f01c2'));
  for (const path of paths) {
    assert.ok(Buffer.byteLength(path) <= maxSocketPathBytes);
    assert.match(basename(path), /^kube-macvtap-[0-9a-f]{10}\.5f01c2\.sock$/);
  }
  assert.notEqual(paths[0], paths[1]);
});

test('the last byte that fits is used, and the length is counted in bytes', () => {
  const rest = Buffer.byteLength('/kube-macvtap-ab.1.sock');
  const fits = `/${'d'.repeat(maxSocketPathBytes - rest - 1)}`;
  assert.equal(basename(chooseSocketPath(fits, 'ab', '1')), 'kube-macvtap-ab.1.sock');
  assert.throws(() => chooseSocketPath(`${fits.slice(0, -1)}é`, 'ab', '1'), { code: 'SocketPathTooLong' });
});

test('a directory in which nothing fits is named in the error, with what to do', () => {
  const directory = `/${'d'.repeat(100)}`;
  assert.throws(() => chooseSocketPath(directory, 'dataplane', '5f01c2'), {
    code: 'SocketPathTooLong',
    message: /dataplane.*dddd.*--kubelet-dir/,
    facts: { directory, resource: 'dataplane', bytes: 136 },
  });
});

test('every path that is chosen has the name by which stale sockets are found', () => {
  for (const name of ['a', 'a.b-c', 'x'.repeat(63)]) {
    assert.match(basename(chooseSocketPath(kubelets, name, '5f01c2')), socketNamePattern);
  }
});
