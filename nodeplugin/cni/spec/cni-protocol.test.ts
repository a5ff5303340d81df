// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../policy/json.ts';
import { cniVersions, findInResult, makeResult } from './cni-protocol.ts';
import type { NetConf } from './net-conf.ts';

const link = { ifname: 'net1', mac: '02:00:00:00:00:01', mtu: 1500, sandbox: '/run/netns/x' };
const conf: NetConf = {
  cniVersion: '1.0.0',
  name: 'blue',
  modeFromPolicy: false,
  promiscMode: false,
  multicast: 'all',
  ignored: [],
  owner: 107,
  group: 107,
  macs: {},
};
const resultOf = (given: NetConf): JsonObject => JSON.parse(makeResult(given, link));
const shown = { name: 'net1', mac: link.mac, sandbox: link.sandbox };

for (const cniVersion of cniVersions) {
  test(`a result of version ${cniVersion} has only the fields of that version`, () => {
    const interfaces = [cniVersion === '1.1.0' ? { ...shown, mtu: 1500 } : shown];
    assert.deepEqual(resultOf({ ...conf, cniVersion }), { cniVersion, interfaces, dns: {} });
  });
}

test('in a chain, the results of earlier plugins are kept, and their interface indexes stay valid', () => {
  const prevResult = {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'br0' }, { name: 'eth0', sandbox: '/run/netns/x' }],
    ips: [{ address: '10.0.0.2/24', interface: 1 }],
    routes: [{ dst: '0.0.0.0/0' }],
    dns: { domain: 'theirs' },
  };
  assert.deepEqual(resultOf({ ...conf, prevResult }), {
    ...prevResult,
    interfaces: [...prevResult.interfaces, shown],
  });
  assert.deepEqual(resultOf({ ...conf, prevResult, dns: { domain: 'ours' } }).dns, { domain: 'ours' });
});

test('an interface is found in a result by name and sandbox', () => {
  const result = resultOf(conf);
  assert.deepEqual(findInResult({ ...conf, prevResult: result }, link), shown);
  assert.equal(findInResult({ ...conf, prevResult: result }, { ...link, sandbox: '/run/netns/y' }), undefined);
  assert.equal(findInResult(conf, link), undefined);
});

test('a previous result that cannot be passed on is rejected', () => {
  // Because of the getter, JSON.stringify recurses and overflows the stack. V8 writes plain data without recursion.
  let deep: unknown = 0;
  for (let level = 0; level < 300_000; level += 1)
    deep = {
      inner: deep,
      get level() {
        return level;
      },
    };
  const long = Array(180_000).fill(1e20);
  for (const [what, value] of Object.entries({ deep, long })) {
    const prevResult = { cniVersion: '1.0.0', interfaces: [], value };
    const message = new RegExp(`^prevResult of network blue is too ${what} to be passed on: check the plugins`);
    assert.throws(() => makeResult({ ...conf, prevResult }, link), { code: 'NetConfInvalid', message });
  }
});
