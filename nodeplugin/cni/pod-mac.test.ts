// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import type { MetadataLookups, OwnerReference, PodMetadata } from '../../cluster/api/lookups.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import {
  chooseMAC,
  createFindPodMAC,
  deviceMAC,
  findWantedMAC,
  identityMAC,
  mayHaveIdentity,
  readIdentity,
} from './pod-mac.ts';
import type { NetConf } from './spec/net-conf.ts';
import { isUnicastMAC } from './spec/net-conf-keys.ts';

const conf = (macs: NetConf['macs']): NetConf => ({
  cniVersion: '1.0.0',
  name: 'blue',
  modeFromPolicy: false,
  promiscMode: false,
  multicast: 'all',
  ignored: [],
  owner: 107,
  group: 107,
  macs,
});

const never = new AbortController().signal;

test('the source that is closest to the pod takes precedence', () => {
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

test('an address in CNI_ARGS is checked only if it is used', () => {
  assert.throws(() => findWantedMAC(conf({ config: '02:00:00:00:00:04' }), { mac: 'x' }), {
    code: 'MACAddressInvalid',
  });
  assert.equal(findWantedMAC(conf({ args: '02:00:00:00:00:02' }), { mac: 'x' }), '02:00:00:00:00:02');
});

test('a passthru link has the address of its parent, and a request for another address fails', async () => {
  const choose = (mode: 'bridge' | 'passthru', parentMAC: string | undefined, config?: string) =>
    chooseMAC(
      'netMvp0',
      { mode },
      {
        parent: { name: 'eth1', ...(parentMAC !== undefined && { macAddress: parentMAC }) },
        conf: conf(config === undefined ? {} : { config }),
        environment: { ifname: 'net1' },
        nodeName: 'node-a',
      },
      never,
    );
  const [parent, other] = ['52:54:00:00:00:0A', '52:54:00:00:00:0b'];
  assert.equal(await choose('bridge', parent, other), other);
  assert.equal(await choose('bridge', parent), deviceMAC('node-a', 'netMvp0'));
  assert.equal(await choose('passthru', parent), '52:54:00:00:00:0a');
  assert.equal(await choose('passthru', parent, parent), '52:54:00:00:00:0a');
  await assert.rejects(choose('passthru', parent, other), { code: 'MACAddressInvalid', message: /of eth1/ });
  await assert.rejects(choose('passthru', undefined), { code: 'MACAddressInvalid', message: /unknown/ });
});

test('a pod with a permanent address gets that address, unless the pod or its network requests another', async () => {
  const asked: unknown[] = [];
  const findPodMAC = async (wanted: unknown) => {
    asked.push(wanted);
    return '02:00:00:00:00:99';
  };
  const pod = { namespace: 'vms', name: 'virt-launcher-db-x7k2p', uid: 'u' };
  const choose = (mode: 'bridge' | 'passthru', config?: string) =>
    chooseMAC(
      'netMvp0',
      { mode },
      {
        parent: { name: 'eth1', macAddress: '52:54:00:00:00:0a' },
        conf: conf(config === undefined ? {} : { config }),
        environment: { pod, ifname: 'net1' },
        nodeName: 'node-a',
        findPodMAC,
      },
      never,
    );
  assert.equal(await choose('bridge', '52:54:00:00:00:0b'), '52:54:00:00:00:0b');
  assert.equal(await choose('passthru'), '52:54:00:00:00:0a');
  assert.deepEqual(asked, []);
  assert.equal(await choose('bridge'), '02:00:00:00:00:99');
  assert.deepEqual(asked, [{ pod, ifname: 'net1' }]);
});

test('the address of a device is valid for a link, locally administered, and always the same', () => {
  assert.equal(deviceMAC('node-a', 'netMvp0'), deviceMAC('node-a', 'netMvp0'));
  fc.assert(
    fc.property(fc.string(), fc.string(), (node, device) => {
      const mac = deviceMAC(node, device);
      assert.ok(isUnicastMAC(mac), mac);
      assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
    }),
  );
});

test('the devices of 5,000 nodes with 100 devices each all have different addresses', () => {
  const macs = new Set<string>();
  for (let node = 0; node < 5_000; node += 1) {
    for (let device = 0; device < 100; device += 1) macs.add(deviceMAC(`worker-${node}`, `dataplaneMvp${device}`));
  }
  assert.equal(macs.size, 500_000);
});

const launcher = { namespace: 'vms', name: 'virt-launcher-db-x7k2p', uid: 'pod-1' };
const ofMachine: PodMetadata = {
  uid: 'pod-1',
  createdMs: 0,
  owners: [
    { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'db', uid: 'vmi-1', controller: true },
  ],
  labels: {},
  annotations: {},
};
const away = async () => Promise.reject(new MacvtapError('LookupFailed', 'no answer'));

/** Creates the lookup of addresses, with the given answers of the API server and a record of the requests. */
function stage(answers: Partial<MetadataLookups>, records: Readonly<Record<string, Partial<DeviceRecord>>> = {}) {
  const requests: string[] = [];
  const lookups: MetadataLookups = {
    podClaims: async () => undefined,
    pod: (namespace, name, signal) => {
      requests.push(`pod ${namespace}/${name}`);
      return (answers.pod ?? (async () => ofMachine))(namespace, name, signal);
    },
    namespaceUID: (name, signal) => {
      requests.push(`namespace ${name}`);
      return (answers.namespaceUID ?? (async () => 'cluster-1'))(name, signal);
    },
  };
  const entries = () => Object.entries(records) as [string, DeviceRecord][];
  return { requests, find: createFindPodMAC({ lookups, ledger: { entries } }) };
}

describe('the address of a pod', () => {
  it("is derived from the pod's virtual machine, and the cluster's UID is read once", async () => {
    const { find, requests } = stage({});
    const mac = identityMAC('cluster-1', 'VirtualMachineInstance/vms/db', 'net1');
    assert.equal(await find({ pod: launcher, ifname: 'net1' }, never), mac);
    assert.notEqual(await find({ pod: launcher, ifname: 'net2' }, never), mac);
    assert.deepEqual(requests, [
      'pod vms/virt-launcher-db-x7k2p',
      'namespace kube-system',
      'pod vms/virt-launcher-db-x7k2p',
    ]);
  });

  it('is not looked up if the name shows that the pod has no identity', async () => {
    const { find, requests } = stage({});
    assert.equal(
      await find({ pod: { ...launcher, name: 'nginx-6d4cf56db6-x7k2p' }, ifname: 'net1' }, never),
      undefined,
    );
    assert.deepEqual(requests, []);
  });

  for (const [title, pod] of [
    ['without an owner that has an identity', { ...ofMachine, owners: [] }],
    ['that no longer exists', undefined],
    ['whose name belongs to another pod by now', { ...ofMachine, uid: 'pod-2' }],
  ] as const) {
    it(`is derived from the device for a pod ${title}`, async () => {
      const { find } = stage({ pod: async () => pod });
      assert.equal(await find({ pod: launcher, ifname: 'net1' }, never), undefined);
    });
  }

  it('stays the same for a pod, even if the API server is unavailable and the devices are swapped', async () => {
    const attachment = { containerID: 'c', ifname: 'net2', netnsPath: '/run/netns/a', netnsInode: 1 };
    const { find, requests } = stage(
      { pod: away },
      {
        netMvp0: { attachment: { ...attachment, podUID: 'pod-1', mac: '02:00:00:00:00:02' } },
        netMvp1: { podMAC: { podUID: 'pod-1', ifname: 'net1', mac: '02:00:00:00:00:01' } },
        netMvp2: { podMAC: { podUID: 'pod-0', ifname: 'net3', mac: '02:00:00:00:00:03' } },
      },
    );
    assert.equal(await find({ pod: launcher, ifname: 'net1' }, never), '02:00:00:00:00:01');
    assert.equal(await find({ pod: launcher, ifname: 'net2' }, never), '02:00:00:00:00:02');
    assert.deepEqual(requests, []);
    await assert.rejects(find({ pod: launcher, ifname: 'net3' }, never), { code: 'PodOwnerUnknown' });
  });

  it('fails with PodOwnerUnknown while the API server is unavailable', async () => {
    const answers: { pod?: MetadataLookups['pod']; namespaceUID?: MetadataLookups['namespaceUID'] } = { pod: away };
    const { find } = stage(answers);
    const rejection = {
      code: 'PodOwnerUnknown',
      message: /vms\/virt-launcher-db-x7k2p .*no answer; kubelet tries again/,
    };
    await assert.rejects(find({ pod: launcher, ifname: 'net1' }, never), rejection);
    Object.assign(answers, { pod: undefined, namespaceUID: away });
    await assert.rejects(find({ pod: launcher, ifname: 'net1' }, never), rejection);
    Object.assign(answers, { namespaceUID: undefined });
    assert.match((await find({ pod: launcher, ifname: 'net1' }, never)) ?? '', /^[0-9a-f:]{17}$/);
  });
});

const cluster = '2c7e3c1a-5b0e-4a63-9a52-5f8f6f0f6a11';
const machine: OwnerReference = {
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  name: 'db',
  uid: 'o',
  controller: true,
};
const statefulSet: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  name: 'nginx',
  uid: 'o',
  controller: true,
};

const identify = (pod: string, ...owners: readonly OwnerReference[]) => {
  const [namespace = '', name = ''] = pod.split('/');
  return readIdentity({ namespace, name }, { owners });
};

describe('a pod name', () => {
  for (const [name, may] of [
    ['virt-launcher-db-x7k2p', true],
    ['nginx-0', true],
    ['nginx-12', true],
    ['kube-proxy-worker-1', true],
    ['nginx-6d4cf56db6-x7k2p', false],
    ['hp-volume-x7k2p', false],
    ['nginx', false],
    ['nginx0', false],
    ['my-virt-launcher-db-x7k2p', false],
  ] as const) {
    it(`${name} ${may ? 'can' : 'cannot'} be the name of a pod with an identity`, () =>
      assert.equal(mayHaveIdentity({ namespace: 'vms', name }), may));
  }
});

describe('an identity', () => {
  it('is the same for all launcher pods of a machine, and for a recreated pod of a StatefulSet', () => {
    assert.equal(identify('vms/virt-launcher-db-x7k2p', machine), 'VirtualMachineInstance/vms/db');
    assert.equal(identify('vms/virt-launcher-db-zzzzz', machine), 'VirtualMachineInstance/vms/db');
    assert.equal(identify('web/nginx-0', statefulSet), 'StatefulSet/web/nginx-0');
  });

  it('differs between names, namespaces and kinds', () => {
    const identities = [
      identify('vms/virt-launcher-db-x7k2p', machine),
      identify('vms/virt-launcher-db2-x7k2p', { ...machine, name: 'db2' }),
      identify('other/virt-launcher-db-x7k2p', machine),
      identify('vms/db', statefulSet),
      identify('vms/db-0', statefulSet),
    ];
    assert.equal(new Set(identities).size, identities.length, identities.join());
  });

  for (const [title, owner] of [
    ['no owner', undefined],
    ['an owner that does not manage it', { ...machine, controller: false }],
    ['an owner of that kind in another group', { ...machine, apiVersion: 'kubevirt.example/v1' }],
    ['a ReplicaSet', { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'o', controller: true }],
    ['a Node, as a static pod has', { apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'o', controller: true }],
  ] as const) {
    it(`is undefined for a pod with ${title}`, () =>
      assert.equal(identify('vms/virt-launcher-db-1', ...(owner === undefined ? [] : [owner])), undefined));
  }
});

describe('the address of an identity', () => {
  it('is a locally administered unicast address, always the same', () => {
    const mac = identityMAC(cluster, 'VirtualMachineInstance/vms/db', 'net1');
    // This value must not change, because running virtual machines would get other addresses.
    assert.equal(mac, '46:d3:26:60:c5:a8');
    assert.ok(isUnicastMAC(mac));
    assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
  });

  it('differs between clusters, machines and interfaces', () => {
    const macs = new Set<string>();
    for (const uid of [cluster, 'another']) {
      for (let index = 0; index < 5_000; index += 1) {
        for (const ifname of ['net1', 'net2']) {
          macs.add(identityMAC(uid, `VirtualMachineInstance/vms/vm-${index}`, ifname));
        }
      }
    }
    assert.equal(macs.size, 20_000);
  });
});
