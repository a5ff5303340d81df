// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { CNIContext, FindResource } from './cni-context.ts';
import { deviceMissing, findDevice, readDeviceID } from './find-device.ts';
import { createFindResource, rememberPodClaims } from './locate-device.ts';
import type { NetConf } from './spec/net-conf.ts';

for (const [title, pod, command] of [
  ['a pod', { namespace: 'vms', name: 'web-5d9c-x7k2p' }, 'kubectl delete pod web-5d9c-x7k2p -n vms'],
  ["a machine's pod", { namespace: 'vms', name: 'virt-launcher-my-db-x7k2p' }, 'virtctl restart my-db -n vms'],
  [
    "a machine's pod whose name is cut",
    { namespace: 'vms', name: `virt-launcher-${'a'.repeat(43)}-x7k2p` },
    `kubectl delete pod virt-launcher-${'a'.repeat(43)}-x7k2p -n vms`,
  ],
  ['no pod', undefined, 'kubectl delete pod'],
  ['a name that no pod can have', { namespace: 'vms', name: '$(x)' }, 'kubectl delete pod'],
] as const) {
  test(`the error for ${title} contains the command that recreates the pod`, () => {
    const { code, message } = deviceMissing('blue', ['a', 'blue'], pod);
    assert.equal(code, 'DeviceMissing');
    assert.ok(message.includes(`. Recreate the pod: ${command}. If`), message);
    assert.match(message, /\(offered here: blue, a\)$/);
  });
}

test('the error lists no resource if the node offers none', () => {
  assert.match(deviceMissing('blue', [], undefined).message, /\(offered here: none\)$/);
});

const pod = { namespace: 'vms', name: 'vm-a', uid: 'p1' };

function claimed(resource: string, more: Partial<DeviceRecord> = {}): DeviceRecord {
  const claim = { namespace: 'vms', name: 'c', uid: 'u1', request: 'r', pods: ['p1'] };
  return { resource, parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1, claim, ...more };
}

function claimOf({ claim }: DeviceRecord): NonNullable<DeviceRecord['claim']> {
  assert.ok(claim);
  return claim;
}

function contextOf(records: Readonly<Record<string, DeviceRecord>>, findResource?: FindResource): CNIContext {
  const ledger = { get: (id: string) => records[id], entries: () => Object.entries(records) };
  const resources = () => new Map();
  return { ledger, findResource, resources, isPlanKnown: () => true } as unknown as CNIContext;
}

const { signal } = new AbortController();
const find = (context: CNIContext, ifname: string, of: Partial<typeof pod> = {}) =>
  readDeviceID({ name: 'blue' } as NetConf, context, { pod: { ...pod, ...of }, ifname }, signal);
const at = (ifname: string, podUID = 'p1') => ({
  containerID: 'c1',
  ifname,
  podUID,
  netnsPath: '/proc/self/ns/net',
  netnsInode: statSync('/proc/self/ns/net').ino,
  mac: '02:00:00:00:00:01',
});

test('without a device ID, each interface of a pod gets another device of the pod, in their order', async () => {
  const records = { dataMvp10: claimed('data'), dataMvp2: claimed('data') };
  assert.equal(await find(contextOf(records), 'net1'), 'dataMvp2');
  const attached = { ...records, dataMvp2: claimed('data', { attachment: at('net1') }) };
  assert.equal(await find(contextOf(attached), 'net2'), 'dataMvp10');
  assert.equal(await find(contextOf(attached), 'net1'), 'dataMvp2');
});

test('an interface gets its former device again after its sandbox was recreated or the node was rebooted', async () => {
  const podMAC = (ifname: string) => ({ podMAC: { podUID: 'p1', ifname, mac: '02:00:00:00:00:01' } });
  const context = contextOf({ aMvp0: claimed('a', podMAC('net2')), aMvp1: claimed('a', podMAC('net1')) });
  assert.equal(await find(context, 'net1'), 'aMvp1');
  assert.equal(await find(context, 'net2'), 'aMvp0');
});

test('the devices of another pod of the same name do not count', async () => {
  await assert.rejects(find(contextOf({ aMvp0: claimed('a') }), 'net1', { uid: 'p2' }), { code: 'DeviceMissing' });
});

test('a pod that joins a prepared claim gets its device, but not while another pod uses it', async () => {
  const other = { ...claimOf(claimed('b')), name: 'other', uid: 'u2' };
  const records = { aMvp0: claimed('a'), bMvp0: claimed('b', { claim: other }) };
  const requests: string[] = [];
  const podClaims = async (namespace: string, name: string) => {
    requests.push(`${namespace}/${name}`);
    return name === 'vm-b' ? { uid: 'p2', claims: ['c', 'unrelated'] } : { uid: 'p9', claims: ['c'] };
  };
  const context = {
    ...contextOf(records),
    lock: createKeyedMutex(),
    podClaims: rememberPodClaims(podClaims),
    ledger: {
      ...contextOf(records).ledger,
      record: async (id: string, entry: DeviceRecord) => void Object.assign(records, { [id]: entry }),
    },
  } as unknown as CNIContext;
  const joining = { name: 'vm-b', uid: 'p2' };
  assert.equal(await find(context, 'net1', joining), 'aMvp0');
  assert.deepEqual([claimOf(records.aMvp0).pods, claimOf(records.bMvp0).pods], [['p1', 'p2'], ['p1']]);
  // The device is found without a request from now on.
  assert.equal(await find(context, 'net1', joining), 'aMvp0');
  assert.deepEqual(requests, ['vms/vm-b']);
  // A pod with the same name, but another UID.
  await assert.rejects(find(context, 'net1', { name: 'vm-c', uid: 'p3' }), { code: 'DeviceMissing' });

  const used = contextOf({
    aMvp0: { ...claimed('a', { attachment: at('net1'), pod: 'vms/vm-a' }), claim: claimOf(records.aMvp0) },
  });
  const environment = { pod: { ...pod, ...joining }, netns: '/run/netns/none', ifname: 'net1' } as never;
  await assert.rejects(findDevice('aMvp0', environment, used, signal), {
    code: 'DeviceHeldElsewhere',
    message:
      'device aMvp0 belongs to ResourceClaim vms/c, and pod vms/vm-a uses it. A macvtap is only for one pod at a time: ' +
      'give each pod its own claim, with a ResourceClaimTemplate',
  });
});

test('a pod with its own claim also joins a prepared claim, and its spec is read only once', async () => {
  const shared = { ...claimOf(claimed('b')), name: 'shared', uid: 'u2' };
  const later = { ...claimOf(claimed('c')), name: 'later', uid: 'u3' };
  const own = { ...claimOf(claimed('a')), pods: ['p2'] };
  const records: Record<string, DeviceRecord> = {
    aMvp0: claimed('a', { claim: own }),
    bMvp0: claimed('b', { claim: shared }),
  };
  let requests = 0;
  const context = {
    ...contextOf(records, async ({ network }) => (network === 'blue' ? 'b' : 'a')),
    lock: createKeyedMutex(),
    podClaims: rememberPodClaims(async () => {
      requests += 1;
      return { uid: 'p2', claims: ['shared', 'later'] };
    }),
    ledger: {
      ...contextOf(records).ledger,
      record: async (id: string, entry: DeviceRecord) => void Object.assign(records, { [id]: entry }),
    },
  } as unknown as CNIContext;
  const joining = { name: 'vm-b', uid: 'p2' };
  assert.equal(await find(context, 'net1', joining), 'bMvp0');
  // A claim that is prepared between two interfaces of the pod.
  records.cMvp0 = claimed('c', { claim: later });
  await find(context, 'net2', joining);
  assert.deepEqual(claimOf(records.cMvp0).pods, ['p1', 'p2']);
  assert.equal(requests, 1);
});

test('an interface that had a device before gets it again without a request', async () => {
  const records = { aMvp0: claimed('a', { attachment: at('net1') }), bMvp0: claimed('b') };
  records.bMvp0 = claimed('b', { claim: { ...claimOf(records.bMvp0), pods: [] } });
  const podClaims = () => assert.fail('the API server is asked');
  assert.equal(await find({ ...contextOf(records), podClaims }, 'net1'), 'aMvp0');
});

test('with devices of several resources, the network names the resource', async () => {
  const records = { aMvp0: claimed('a'), bMvp0: claimed('b') };
  assert.equal(
    await find(
      contextOf(records, async ({ network }) => (network === 'blue' ? 'b' : 'a')),
      'net1',
    ),
    'bMvp0',
  );
  await assert.rejects(
    find(
      contextOf(records, async () => undefined),
      'net1',
    ),
    { code: 'DeviceMissing' },
  );
});

test('the resource of a network is found by the name in its configuration, and else by the number of the interface', async () => {
  const nad = (name: string, resource: string, config?: string) => ({
    metadata: {
      namespace: 'vms',
      name,
      annotations: { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}` },
    },
    ...(config !== undefined && { spec: { config } }),
  });
  const networks = [nad('one', 'a', '{"name":"blue"}'), nad('two', 'b', '{"name":"blue"}'), nad('red', 'c')];
  const findResource = createFindResource({
    pod: async () => ({
      uid: 'p1',
      createdMs: 0,
      owners: [],
      labels: {},
      annotations: { 'k8s.v1.cni.cncf.io/networks': 'one,two,red' },
    }),
    network: async (_namespace, name) => networks.find(({ metadata }) => metadata.name === name),
  });
  const resourceOf = (network: string, ifname: string) => findResource({ pod, ifname, network }, signal);
  assert.equal(await resourceOf('red', 'data'), 'c');
  assert.equal(await resourceOf('blue', 'net2'), 'b');
  assert.equal(await resourceOf('blue', 'data'), undefined);
  assert.equal(await resourceOf('green', 'net1'), undefined);
});

test("a claim's device is only for the pods of its claim, and not while another pod's sandbox has it", async () => {
  const outcome = async (record: DeviceRecord, uid: string | undefined, namespace = 'vms') =>
    await findDevice(
      'aMvp0',
      { pod: { ...pod, namespace, ...(uid && { uid }) }, netns: '/run/netns/none', ifname: 'net1' } as never,
      contextOf({ aMvp0: record }),
      signal,
    ).then(
      ({ resource }) => resource,
      (thrown: unknown) => `${MacvtapError.from(thrown).code}: ${MacvtapError.from(thrown).message}`,
    );
  assert.equal(await outcome(claimed('a'), 'p1'), 'a');
  // Multus also fills in a device that another device plugin for the same resource has given to the pod.
  assert.match(await outcome(claimed('a'), 'p2'), /^DeviceHeldElsewhere: .* the other device plugin of this resource/);
  assert.equal(await outcome(claimed('a', { attachment: at('net1') }), 'p1'), 'a');
  const elsewhere = claimed('a', { attachment: at('net1', 'p2') });
  assert.match(await outcome(elsewhere, 'p1'), /^DeviceHeldElsewhere: .* another pod uses it/);
  // The objects of other tenants have no name.
  const foreign = await outcome(claimed('a'), 'p2', 'tenant-b');
  assert.match(
    foreign,
    /^DeviceHeldElsewhere: device aMvp0 belongs to another pod's ResourceClaim, which this pod does/,
  );
  const used = claimed('a', { attachment: at('net1', 'p2'), pod: 'vms/vm-a' });
  assert.match(await outcome(used, 'p1', 'tenant-b'), /ResourceClaim, and another pod uses it/);
});
