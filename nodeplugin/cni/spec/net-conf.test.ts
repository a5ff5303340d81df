// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../../runtime/errors.ts';
import { cniVersions } from './cni-protocol.ts';
import { parseNetConf } from './net-conf.ts';

const base = { cniVersion: '1.0.0', name: 'blue', type: 'macvtap' };
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const parse = (more: object = {}) => parseNetConf(bytes({ ...base, ...more }));

test('the defaults leave mode, MTU and MAC address open, and qemu owns the device node', () => {
  assert.deepEqual(parse(), {
    cniVersion: '1.0.0',
    name: 'blue',
    modeFromPolicy: false,
    macs: {},
    promiscMode: false,
    multicast: 'all',
    owner: 107,
    group: 107,
    ignored: [],
  });
});

test('every key is read', () => {
  const prevResult = { interfaces: [{ name: 'eth0' }] };
  assert.deepEqual(
    parse({
      cniVersion: '1.1.0',
      deviceID: 'netMvp0',
      mode: 'vepa',
      modeFrom: 'policy',
      mtu: 9000,
      mac: '52:54:00:00:00:01',
      promiscMode: true,
      multicast: 'none',
      owner: 0,
      group: 1000,
      args: { cni: { mac: '52:54:00:00:00:02' } },
      runtimeConfig: { mac: '52:54:00:00:00:03', deviceID: 'otherMvp0' },
      dns: { domain: 'x' },
      prevResult,
    }),
    {
      cniVersion: '1.1.0',
      name: 'blue',
      deviceID: 'netMvp0',
      mode: 'vepa',
      modeFromPolicy: true,
      mtu: 9000,
      macs: { config: '52:54:00:00:00:01', args: '52:54:00:00:00:02', runtimeConfig: '52:54:00:00:00:03' },
      promiscMode: true,
      multicast: 'none',
      owner: 0,
      group: 1000,
      ignored: [],
      dns: { domain: 'x' },
      prevResult,
    },
  );
});

for (const [title, given, expected] of [
  ['an empty device ID counts as absent', { deviceID: '' }, { deviceID: undefined }],
  [
    "the device ID of a capability counts where Multus' own is missing",
    { deviceID: '', runtimeConfig: { deviceID: 'x' } },
    { deviceID: 'x' },
  ],
  ['an MTU of 0 counts as absent, as in macvtap-cni', { mtu: 0 }, { mtu: undefined }],
  ['an empty MAC address counts as absent', { mac: '' }, { macs: {} }],
  [
    'null counts as absent, because Go encodes an absent value as null',
    { mac: null, mtu: null, mode: null, args: null, owner: null, dns: null },
    { owner: 107, mtu: undefined },
  ],
  ['unknown keys are accepted', { capabilities: { mac: true }, master: 'eth0', 'cni.dev/x': 1 }, { name: 'blue' }],
  ['an empty ipam is accepted', { ipam: {} }, { name: 'blue' }],
] as const) {
  test(title, () => {
    const read = parse(given) as unknown as Readonly<Record<string, unknown>>;
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(read[key], value);
  });
}

for (const version of cniVersions) {
  test(`a configuration of version ${version} is accepted`, () => {
    assert.equal(parse({ cniVersion: version }).cniVersion, version);
  });
}

for (const [title, conf, code, message] of [
  ['nothing', '', 'NetConfUndecodable', /it is empty/],
  ['no JSON', '{"cniVersion": "1.0.0",}', 'NetConfUndecodable', /position|line|column|JSON/],
  ['a list', '[]', 'NetConfUndecodable', /not a JSON object/],
  ['a version before 0.3.0', { ...base, cniVersion: '0.2.0' }, 'CNIVersionUnsupported', /"0.2.0": write one of 0.3.0/],
  ['no version', { name: 'blue' }, 'CNIVersionUnsupported', /missing, which means 0.1.0/],
  ['an ipam that is a list', { ...base, ipam: [] }, 'NetConfInvalid', /ipam is \[\], not an object/],
  [
    'requested addresses that are not a list',
    { ...base, runtimeConfig: { ips: '10.0.0.1/24' } },
    'NetConfInvalid',
    /runtimeConfig.ips is "10.0.0.1\/24", not a list/,
  ],
  ['no name', { ...base, name: undefined }, 'NetConfInvalid', /name is missing/],
  ['a name with a slash', { ...base, name: 'a/b' }, 'NetConfInvalid', /name is "a\/b"/],
  [
    'an unknown mode',
    { ...base, mode: 'brige' },
    'NetConfInvalid',
    /mode is "brige", not bridge, private, vepa or passthru/,
  ],
  ['an unknown source of the mode', { ...base, modeFrom: 'me' }, 'NetConfInvalid', /modeFrom is "me", not policy/],
  ['an MTU below the minimum', { ...base, mtu: 67 }, 'NetConfInvalid', /mtu is 67, not 0, or a whole number from 68/],
  ['an MTU that is a string', { ...base, mtu: '1500' }, 'NetConfInvalid', /mtu is "1500"/],
  ['a multicast address', { ...base, mac: '01:00:5e:00:00:01' }, 'NetConfInvalid', /mac is .* unicast/],
  ['an address of zeros', { ...base, args: { cni: { mac: '00:00:00:00:00:00' } } }, 'NetConfInvalid', /args.cni.mac/],
  ['half an address', { ...base, runtimeConfig: { mac: '52:54:00' } }, 'NetConfInvalid', /runtimeConfig.mac/],
  ['a user by name', { ...base, owner: 'qemu' }, 'NetConfInvalid', /owner is "qemu", not a whole number/],
  ['a user below 0', { ...base, group: -1 }, 'NetConfInvalid', /group is -1/],
  [
    'a switch that is a string',
    { ...base, promiscMode: 'true' },
    'NetConfInvalid',
    /promiscMode is "true", not true or false/,
  ],
  [
    'an unknown value of multicast',
    { ...base, multicast: 'some' },
    'NetConfInvalid',
    /multicast is "some", not all or none/,
  ],
  [
    'an invalid previous result',
    { ...base, prevResult: { interfaces: [null] } },
    'NetConfInvalid',
    /prevResult.interfaces/,
  ],
] as const) {
  test(`${title} is rejected with ${code}`, () => {
    assert.throws(() => parseNetConf(bytes(conf)), { code, message });
  });
}

test('a request for IP addresses is ignored, and described for the log', () => {
  const wishes = { ipam: { type: 'host-local' }, runtimeConfig: { ips: ['10.0.0.1/24'] } };
  assert.deepEqual(parse(wishes).ignored, ['ipam ({"type":"host-local"})', 'runtimeConfig.ips (["10.0.0.1/24"])']);
  assert.deepEqual(parse({ ipam: {}, runtimeConfig: { ips: [] } }).ignored, []);
  assert.deepEqual(parse({ ipam: null, runtimeConfig: { ips: null } }).ignored, []);
});

test('one error lists all invalid keys, and names the network', () => {
  assert.throws(
    () => parse({ mode: 1, mtu: 1, mac: 'x', owner: 1.5 }),
    (thrown) => {
      assert.ok(thrown instanceof MacvtapError);
      for (const key of ['network "blue"', 'mode', 'mtu', 'mac', 'owner']) assert.ok(thrown.message.includes(key), key);
      return thrown.facts.faults === 4;
    },
  );
});

for (const [written, told] of [
  ['"MTU":9000', 'line 1, column 34: "MTU" is read as mtu; write mtu once'],
  ['"deviceID":"a","DeviceId":"b"', '"DeviceId" is read as deviceID; write deviceID once'],
  ['"mode":"vepa","mode":"bridge"', 'mode is repeated; keep one'],
  ['"deviceID":"a","deviceID":null', 'deviceID is repeated; keep one'],
  ['"NAME":null', '"NAME" is read as name; write name once'],
  ['"arg\u017f":{}', '"arg\u017f" is read as args; write args once'],
  ['"args":{"cni":{"mac":"","Mac":""}}', '"Mac" is read as mac; write mac once'],
  ['"runtimeConfig":{"\\u004dac":""}', '"Mac" is read as mac; write mac once'],
] as const) {
  test(`${written} is rejected, because Go reads it differently`, () => {
    const stdin = bytes(`{"cniVersion":"1.0.0","name":"a",${written}}`);
    assert.throws(
      () => parseNetConf(stdin),
      (thrown) => {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetConfInvalid');
        assert.ok(thrown.message.includes(told), thrown.message);
        return true;
      },
    );
  });
}

test('unknown keys and the keys of a map may be repeated or differ in case', () => {
  const read = parseNetConf(bytes('{"cniVersion":"1.0.0","name":"a","x":1,"X":2,"x":3,"capabilities":{"MAC":true}}'));
  assert.equal(read.name, 'a');
});

test('keys of a prototype are ignored', () => {
  const read = parseNetConf(bytes('{"cniVersion":"1.0.0","name":"a","__proto__":{"mtu":9000,"deviceID":"x"}}'));
  assert.deepEqual([read.mtu, read.deviceID], [undefined, undefined]);
});

test('any bytes and any JSON are accepted, or rejected with one of three codes', () => {
  const codes = ['NetConfUndecodable', 'CNIVersionUnsupported', 'NetConfInvalid'];
  const keys = fc.constantFrom(
    'name',
    'deviceID',
    'mode',
    'modeFrom',
    'mtu',
    'mac',
    'promiscMode',
    'multicast',
    'owner',
    'args',
    'runtimeConfig',
    'dns',
    'prevResult',
    'ipam',
    '__proto__',
  );
  const hostile = fc.oneof(
    fc.uint8Array(),
    fc.json().map(bytes),
    fc.dictionary(keys, fc.jsonValue()).map((more) => bytes({ ...base, ...more })),
    fc.nat(5_000).map((depth) => bytes(`${'['.repeat(depth * 4)}`)),
    fc
      .nat(5_000)
      .map((depth) => bytes(`{"cniVersion":"1.0.0","name":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}`)),
  );
  fc.assert(
    fc.property(hostile, (stdin) => {
      try {
        const conf = parseNetConf(stdin);
        assert.match(conf.name, /^[a-zA-Z0-9]/);
        assert.ok(conf.mtu === undefined || (conf.mtu >= 68 && conf.mtu <= 65_535));
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && codes.includes(thrown.code), String(thrown));
      }
    }),
  );
});
