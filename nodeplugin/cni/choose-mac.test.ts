// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseMAC, deviceMAC, findWantedMAC } from './choose-mac.ts';
import type { NetConf } from './net-conf.ts';
import { isUnicastMAC } from './net-conf-rules.ts';

const conf = (macs: NetConf['macs']): NetConf => ({
  cniVersion: '1.0.0',
  name: 'blue',
  modeFromPolicy: false,
  promiscMode: false,
  owner: 107,
  group: 107,
  macs,
});

test('who is nearer to the pod is heard first', () => {
  const [runtimeConfig, args, fromArgs, config] = [
    '02:00:00:00:00:01',
    '02:00:00:00:00:02',
    '02:00:00:00:00:03',
    '02:00:00:00:00:04',
  ];
  const wanted = (macs: NetConf['macs'], mac?: string) => findWantedMAC(conf(macs), mac === undefined ? {} : { mac });
  assert.equal(wanted({ runtimeConfig, args, config }, fromArgs), runtimeConfig);
  assert.equal(wanted({ args, config }, fromArgs), args);
  assert.equal(wanted({ config }, fromArgs), fromArgs);
  assert.equal(wanted({ config }), config);
  assert.equal(wanted({}), undefined);
  assert.equal(wanted({ config: '02:00:00:00:00:AB' }), '02:00:00:00:00:ab');
});

test('CNI_ARGS are checked where they count', () => {
  assert.throws(() => findWantedMAC(conf({ config: '02:00:00:00:00:04' }), { mac: 'x' }), {
    code: 'MACAddressInvalid',
  });
  assert.equal(findWantedMAC(conf({ args: '02:00:00:00:00:02' }), { mac: 'x' }), '02:00:00:00:00:02');
});

test('a passthru link has the address of its parent, and nobody can wish for another', () => {
  const choose = (mode: 'bridge' | 'passthru', parentMAC: string | undefined, config?: string) =>
    chooseMAC(
      'netMvp0',
      { mode },
      {
        parent: { name: 'eth1', ...(parentMAC !== undefined && { macAddress: parentMAC }) },
        conf: conf(config === undefined ? {} : { config }),
        environment: {},
        nodeName: 'node-a',
      },
    );
  const [parent, other] = ['52:54:00:00:00:0A', '52:54:00:00:00:0b'];
  assert.equal(choose('bridge', parent, other), other);
  assert.equal(choose('bridge', parent), deviceMAC('node-a', 'netMvp0'));
  assert.equal(choose('passthru', parent), '52:54:00:00:00:0a');
  assert.equal(choose('passthru', parent, parent), '52:54:00:00:00:0a');
  assert.throws(() => choose('passthru', parent, other), { code: 'MACAddressInvalid', message: /of eth1/ });
  assert.throws(() => choose('passthru', undefined), { code: 'MACAddressInvalid', message: /unknown/ });
});

test("a device's own address is one that a link can have, locally administered, and always the same", () => {
  assert.equal(deviceMAC('node-a', 'netMvp0'), deviceMAC('node-a', 'netMvp0'));
  fc.assert(
    fc.property(fc.string(), fc.string(), (node, device) => {
      const mac = deviceMAC(node, device);
      assert.ok(isUnicastMAC(mac), mac);
      assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
    }),
  );
});

test('five thousand nodes of a hundred devices share no address', () => {
  const macs = new Set<string>();
  for (let node = 0; node < 5_000; node += 1) {
    for (let device = 0; device < 100; device += 1) macs.add(deviceMAC(`worker-${node}`, `dataplaneMvp${device}`));
  }
  assert.equal(macs.size, 500_000);
});
