// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseNetConf } from '../../nodeplugin/cni/spec/net-conf.ts';
import { resourceAnnotation } from '../../policy/nad/read-nad.ts';
import { reviewNad } from '../../policy/nad/review-nad.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { buildOffers } from '../fixtures/nad/offers.ts';

/**
 * The webhook and the CNI plugin read the same configuration, weeks apart. Each must accept every configuration that
 * the other one accepts.
 */
const base = { cniVersion: '1.0.0', name: 'blue', type: 'macvtap' };
const mac = '52:54:00:12:34:56';

const taken: readonly (readonly [title: string, conf: object])[] = [
  ['only the required keys', {}],
  [
    'every key',
    { mode: 'vepa', modeFrom: 'policy', mtu: 9000, mac, promiscMode: true, multicast: 'none', owner: 0, group: 1000 },
  ],
  ['null for every key', nulls('mode', 'modeFrom', 'mtu', 'mac', 'promiscMode', 'multicast', 'owner', 'group')],
  [
    'null for every key that the plugin does not own',
    nulls('deviceID', 'args', 'capabilities', 'runtimeConfig', 'dns', 'prevResult'),
  ],
  ['null further in', { args: { cni: null }, runtimeConfig: { mac: null, ips: null, deviceID: null } }],
  ['null in a result', { args: { cni: { mac: null } }, prevResult: { interfaces: null } }],
  ['an MTU of 0, which means no MTU', { mtu: 0 }],
  ['the least MTU', { mtu: 68 }],
  ['the largest MTU', { mtu: 65_535 }],
  ['an empty MAC address, which means no address', { mac: '', args: { cni: { mac: '' } }, runtimeConfig: { mac: '' } }],
  ['a MAC address in every place', { mac, args: { cni: { mac } }, runtimeConfig: { mac: mac.toUpperCase() } }],
  ['an empty device ID, which means no device', { deviceID: '', runtimeConfig: { deviceID: '' } }],
  ['an empty ipam', { ipam: {} }],
  ['no ipam', { ipam: null }],
  ['an ipam, which is ignored', { ipam: { type: 'host-local' } }],
  ['requested addresses, which are ignored', { runtimeConfig: { ips: ['10.0.0.1/24'] } }],
  ['an empty list of requested addresses', { runtimeConfig: { ips: [] } }],
  ['empty objects', { args: {}, capabilities: {}, runtimeConfig: {}, dns: {}, prevResult: {} }],
  ['capabilities', { capabilities: { mac: true, ips: false, deviceID: null } }],
  ['a result of an earlier plugin', { prevResult: { interfaces: [{ name: 'eth0' }] } }],
  ['keys of others', { master: 'eth0', disableCheck: true, 'cni.dev/attachments': [] }],
  ['the highest owner', { owner: 4_294_967_294 }],
  ['the longest name', { name: 'n'.repeat(253) }],
  ['a name with punctuation', { name: 'a_b.c-9' }],
  ['the oldest version', { cniVersion: '0.3.0' }],
  ['the newest version', { cniVersion: '1.1.0' }],
];

const refused: readonly (readonly [title: string, conf: object])[] = [
  ['an unknown mode', { mode: 'brige' }],
  ['an empty mode', { mode: '' }],
  ['a mode that is the name of a property of every object', { mode: 'constructor' }],
  ['a modeFrom with an unknown value', { modeFrom: 'me' }],
  ["an MTU below the kernel's minimum", { mtu: 67 }],
  ['an MTU above it', { mtu: 65_536 }],
  ['half an MTU', { mtu: 1500.5 }],
  ['an MTU as text', { mtu: '1500' }],
  ['a MAC address of a group', { mac: '01:00:5e:00:00:01' }],
  ['a MAC address of zeros', { args: { cni: { mac: '00:00:00:00:00:00' } } }],
  ['half a MAC address', { runtimeConfig: { mac: '52:54:00' } }],
  ['a MAC address with dashes', { mac: '52-54-00-12-34-56' }],
  ['a MAC address that is a number', { mac: 525_400 }],
  ['promiscuity as text', { promiscMode: 'true' }],
  ['promiscuity as a number', { promiscMode: 0 }],
  ['an unknown value of multicast', { multicast: 'al' }],
  ['multicast as a boolean', { multicast: true }],
  ['an empty multicast', { multicast: '' }],
  ['an owner by name', { owner: 'qemu' }],
  ['an owner that chown ignores', { owner: 4_294_967_295 }],
  ['a group below 0', { group: -1 }],
  ['an ipam that is a list', { ipam: [] }],
  ['an ipam that is text', { ipam: '' }],
  ['requested addresses that are not a list', { runtimeConfig: { ips: {} } }],
  ['args that are text', { args: 'x' }],
  ['args of CNI that are a list', { args: { cni: [] } }],
  ['capabilities that are text', { capabilities: 'mac' }],
  ['a capability that is neither on nor off', { capabilities: { mac: 1 } }],
  ['a runtimeConfig that is a list', { runtimeConfig: [] }],
  ['a dns that is text', { dns: 'x' }],
  ['a device ID that is a number', { deviceID: 5 }],
  ['a device ID longer than any real one', { runtimeConfig: { deviceID: 'x'.repeat(254) } }],
  ['a result that is a number', { prevResult: 7 }],
  ['a result with invalid interfaces', { prevResult: { interfaces: [null] } }],
  ['a name that is too long', { name: 'n'.repeat(254) }],
  ['a name with a slash', { name: 'a/b' }],
  ['a name that is a number', { name: 5 }],
  ['a version before 0.3.0', { cniVersion: '0.2.0' }],
  ['a version that is null', { cniVersion: null }],
];

describe('webhook and plugin both accept', () => {
  for (const [title, conf] of taken) {
    it(title, () => assert.deepEqual(judge(conf), { webhook: [], plugin: undefined }));
  }
});

describe('webhook and plugin both refuse', () => {
  for (const [title, conf] of refused) {
    it(title, () => {
      const { webhook, plugin } = judge(conf);
      assert.ok(webhook.length > 0, 'the webhook accepts it');
      assert.ok(plugin !== undefined, 'the plugin accepts it');
    });
  }
});

describe('webhook and plugin', () => {
  const values: Readonly<Record<string, readonly unknown[]>> = {
    mode: ['bridge', 'private', 'passthru'],
    modeFrom: ['policy', 'user'],
    mtu: [0, 67, 68, 1500, 65_535, 65_536],
    mac: [mac, '03:00:00:00:00:01', '52:54:00'],
    promiscMode: [true, false],
    multicast: ['all', 'none', 'All'],
    owner: [0, 107, 2 ** 32],
    group: [0, -1],
    deviceID: ['dataplaneMvp0', 'x'.repeat(253), 'x'.repeat(254)],
    ipam: [{ type: 'dhcp' }, { type: '' }],
    dns: [{ domain: 'x' }],
    prevResult: [{ interfaces: [] }, { interfaces: [{}] }, { interfaces: 'x' }],
    capabilities: [{ mac: true }, { mac: 'x' }],
    cniVersion: ['0.3.1', '1.0', '2.0.0'],
  };
  const inside = {
    args: { cni: fc.oneof(anything(), fc.record({ mac: anything(...(values.mac ?? [])) }, { requiredKeys: [] })) },
    runtimeConfig: { mac: anything(...(values.mac ?? [])), ips: anything([], ['10.0.0.1']), deviceID: anything('d') },
  };
  const keys: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    ...Object.fromEntries(Object.entries(values).map(([key, some]) => [key, anything(...some)])),
    args: fc.oneof(anything(), fc.record(inside.args, { requiredKeys: [] })),
    runtimeConfig: fc.oneof(anything(), fc.record(inside.runtimeConfig, { requiredKeys: [] })),
  };
  // Generates few keys at a time, because with many keys the config is nearly always invalid.
  const conf = fc
    .subarray(Object.entries(keys), { minLength: 1, maxLength: 2 })
    .chain((some) => fc.record(Object.fromEntries(some)));

  it('agree on every value of the keys that they read', () => {
    fc.assert(
      fc.property(conf, (given) => {
        const { webhook, plugin } = judge(given);
        assert.equal(webhook.length > 0, plugin !== undefined, `${webhook.join()} beside ${plugin}`);
      }),
      { numRuns: 3_000 },
    );
  });
});

/** Returns the webhook's denials of a network with this config, and the code with which the plugin refuses it. */
function judge(conf: object): { readonly webhook: readonly string[]; readonly plugin: string | undefined } {
  const config = JSON.stringify({ ...base, ...conf });
  const annotations = { [resourceAnnotation]: `${resourcePrefix}dataplane` };
  const nad = { metadata: { name: 'blue', namespace: 'default', annotations }, spec: { config } };
  // Without offers, only the config is reviewed, and not the cluster.
  const context = { offers: buildOffers([]), namespaceLabels: {}, unknownResource: 'Allow' } as const;
  const denials = reviewNad(nad, context).filter(({ severity }) => severity === 'deny');
  return { webhook: denials.map(({ code, path }) => `${code} ${path}`), plugin: refusalOf(config) };
}

function refusalOf(config: string): string | undefined {
  try {
    parseNetConf(new TextEncoder().encode(config));
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof MacvtapError)) throw thrown;
    return thrown.code;
  }
}

/**
 * Generates any JSON. Often generates null, empty and zero values, and the given ones, because readers are most likely
 * to disagree about these.
 */
function anything(...some: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(fc.constantFrom(null, '', 0, -0, false, [], {}, ...some), fc.jsonValue({ maxDepth: 2 }));
}

function nulls(...keys: readonly string[]): object {
  return Object.fromEntries(keys.map((key) => [key, null]));
}
