// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { AllocatedClaim, AllocationResult } from '../../cluster/api/lookups.ts';
import type { ExistingLink } from '../../policy/device/decide-link.ts';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { admitAll } from '../../test/fixtures/admission/admit-all.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { CDIDevice } from './cdi-spec.ts';
import { createLedgerLookup, type PrepareContext, prepareClaim, unprepareClaim } from './prepare-claim.ts';

const resource: PlannedResource = {
  source: 'policy',
  name: 'data',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 4,
  numaNodes: [],
  needVhostNet: true,
};
const ref = { namespace: 'vms', name: 'net', uid: 'u1' };
const { signal } = new AbortController();

const result = (device: string, more: Partial<AllocationResult> = {}): AllocationResult => ({
  request: 'r',
  driver: 'macvtap.network.kubevirt.io',
  pool: 'h1',
  device,
  adminAccess: false,
  ...more,
});

function node(...results: readonly AllocationResult[]) {
  const links = new Map<number, ExistingLink>();
  const records = new Map<string, DeviceRecord>();
  const files = new Map<string, readonly CDIDevice[]>();
  const state = {
    links,
    records,
    files,
    claim: { ...claim, results } as AllocatedClaim | undefined,
    parents: new Map([['eth1', 7]]),
    heldByPlugin: new Set<string>(),
    offered: resource as PlannedResource | undefined,
    cdiFails: false,
  };
  const context: PrepareContext = {
    nodeName: 'h1',
    admission: admitAll,
    findInterface(name) {
      const ifindex = state.parents.get(name);
      return ifindex === undefined ? undefined : readInterface({ name, ifindex });
    },
    links: {
      getLink: async (key) =>
        [...links.values()].find((link) => ('name' in key ? link.name === key.name : link.ifindex === key.ifindex)),
      async createMacvtap({ name, ifindex, parentIfindex, mode }) {
        assert.ok(ifindex !== undefined);
        if (links.has(ifindex)) throw new MacvtapError('IfindexTaken', 'taken');
        links.set(ifindex, { name, ifindex, kind: 'macvtap', parentIfindex, macvtapMode: mode, up: false });
      },
      deleteLink: async (ifindex) => void links.delete(ifindex),
      readTapNode: async (ifindex) => ({
        path: `/dev/tap${ifindex}`,
        matches: links.has(ifindex),
        ...(links.has(ifindex) && { nodeDevice: '246:1' }),
      }),
      getLinkIn: async () => undefined,
      deleteLinkIn: async () => {},
    },
    ledger: {
      get: (id) => records.get(id),
      entries: () => [...records],
      findByIfindex: (ifindex) => [...records].filter(([, one]) => one.ifindex === ifindex).map(([id]) => id),
      record: async (id, entry) => void records.set(id, { ...entry, lastUsed: 1 }),
      forget: async (id) => void records.delete(id),
    },
    findClaim: async () => state.claim,
    cdi: {
      async write({ uid }, devices) {
        if (state.cdiFails) throw new MacvtapError('FileNotWritten', 'Read-only file system (EROFS)');
        files.set(uid, devices);
      },
      remove: async (uid) => void files.delete(uid),
      list: async () => [],
    },
    lock: createKeyedMutex(),
    deviceOf: (name) => (name.startsWith('data-') ? `dataMvp${name.slice(5)}` : undefined),
    allocatable: (id) => (state.offered && id.startsWith('data') ? { resource: state.offered } : undefined),
    isHeldByPlugin: (id) => state.heldByPlugin.has(id),
  };
  return { ...state, state, context, prepare: () => prepareClaim(ref, context, signal) };
}

type State = ReturnType<typeof node>['state'];

const claim: AllocatedClaim = {
  uid: 'u1',
  pods: [{ name: 'vm-a', uid: 'p1' }],
  results: [result('data-0')],
  configs: [],
};
const claimed = (...results: readonly AllocationResult[]) => ({ claim: { ...claim, results } });

const tap = (id: string) => `/dev/tap${deviceIfindex('h1', id)}`;
const refused = (code: string, message: RegExp) => (thrown: unknown) => {
  const error = MacvtapError.from(thrown);
  assert.match(error.message, message);
  return error.code === code;
};

describe('preparing a claim', () => {
  it('creates a placeholder for each device, records the claim, and writes the file that kubelet names', async () => {
    const { prepare, links, records, files } = node(result('data-0'), result('data-3', { request: 's' }));
    assert.deepEqual(await prepare(), [
      { request: 'r', pool: 'h1', device: 'data-0', cdiDeviceID: 'macvtap.network.kubevirt.io/claim=u1-data-0' },
      { request: 's', pool: 'h1', device: 'data-3', cdiDeviceID: 'macvtap.network.kubevirt.io/claim=u1-data-3' },
    ]);
    assert.deepEqual([...links.values()].map(({ name }) => name).sort(), ['dataMvp0', 'dataMvp3'].map(linkName).sort());
    assert.deepEqual(records.get('dataMvp3')?.claim, { ...ref, request: 's', pods: ['p1'], vhostNet: true });
    assert.deepEqual(files.get('u1'), [
      { name: 'data-0', paths: [tap('dataMvp0'), '/dev/vhost-net'] },
      { name: 'data-3', paths: [tap('dataMvp3'), '/dev/vhost-net'] },
    ]);
  });

  it('gives the same answer again, and changes nothing', async () => {
    const { prepare, links, records, files } = node(result('data-0'));
    const first = await prepare();
    const before = structuredClone([[...links], [...records], [...files]]);
    assert.deepEqual(await prepare(), first);
    assert.deepEqual([[...links], [...records], [...files]], before);
  });

  it('completes what a killed process began: an entry in the ledger without a link and without a file', async () => {
    const { prepare, links, files } = node(result('data-0'), result('data-1'));
    const first = await prepare();
    links.clear();
    files.clear();
    assert.deepEqual(await prepare(), first);
    assert.equal(links.size, 2);
    assert.equal(files.size, 1);
  });

  it('after a reboot, the pod keeps its device and its MAC address, even if the policy has changed', async () => {
    const { prepare, links, records, state } = node(result('data-0'));
    await prepare();
    const record = records.get('dataMvp0');
    assert.ok(record !== undefined);
    const attachment = {
      containerID: 'c1',
      ifname: 'net1',
      netnsPath: '/run/netns/gone',
      netnsInode: 1,
      mac: '02:00:00:00:00:01',
      podUID: 'p1',
    };
    records.set('dataMvp0', { ...record, pod: 'vms/vm-a', attachment });
    links.clear();
    state.parents.set('eth1', 9);
    state.offered = undefined;
    await prepare();
    const after = records.get('dataMvp0');
    assert.deepEqual(after?.podMAC, { podUID: 'p1', ifname: 'net1', mac: '02:00:00:00:00:01' });
    assert.deepEqual([after?.pod, after?.podUID, after?.attachment], ['vms/vm-a', 'p1', undefined]);
    assert.equal([...links.values()][0]?.parentIfindex, 9);
  });

  it('does not touch a device that is in the sandbox of its pod, but records further pods', async () => {
    const { prepare, links, records, state } = node(result('data-0'));
    await prepare();
    const record = records.get('dataMvp0');
    assert.ok(record !== undefined);
    const attachment = {
      containerID: 'c1',
      ifname: 'net1',
      netnsPath: '/proc/self/ns/net',
      netnsInode: statSync('/proc/self/ns/net').ino,
      mac: '02:00:00:00:00:01',
    };
    records.set('dataMvp0', { ...record, attachment });
    links.clear();
    state.claim = { ...claim, results: [result('data-0')], pods: [...claim.pods, { name: 'vm-b', uid: 'p2' }] };
    await prepare();
    assert.equal(links.size, 0);
    assert.deepEqual(records.get('dataMvp0')?.attachment, attachment);
    assert.deepEqual(records.get('dataMvp0')?.claim?.pods, ['p1', 'p2']);
  });

  it('leaves nothing behind if the CDI directory cannot be written', async () => {
    const { prepare, links, records, files, state } = node(result('data-0'));
    state.cdiFails = true;
    await assert.rejects(prepare(), refused('FileNotWritten', /EROFS/));
    assert.deepEqual([links.size, records.size, files.size], [0, 0, 0]);
  });

  it('keeps its entry if it is prepared again without success, so that a later attempt gives the same device', async () => {
    const { prepare, links, records, state } = node(result('data-0'));
    const first = await prepare();
    const before = structuredClone(records.get('dataMvp0'));
    links.clear();
    state.cdiFails = true;
    state.offered = undefined;
    await assert.rejects(prepare(), refused('FileNotWritten', /EROFS/));
    assert.deepEqual(records.get('dataMvp0'), before);
    assert.equal(links.size, 0);
    state.cdiFails = false;
    assert.deepEqual(await prepare(), first);
  });

  const refusals: readonly [title: string, change: Partial<State>, code: string, message: RegExp][] = [
    ['it no longer exists', { claim: undefined }, 'ClaimRefused', /vms\/net .* no longer exists/],
    ['another claim has its name', { claim: { ...claim, uid: 'u2' } }, 'ClaimRefused', /no longer exists/],
    [
      'it has a configuration',
      { claim: { ...claim, configs: [{ driver: 'macvtap.network.kubevirt.io', kind: 'Foo' }] } },
      'ClaimRefused',
      /configuration of kind Foo/,
    ],
    ['its device is on another node', claimed(result('data-0', { pool: 'h2' })), 'ClaimRefused', /is on node h2/],
    ['it has admin access', claimed(result('data-0', { adminAccess: true })), 'ClaimRefused', /adminAccess/],
    ['its device is gone', claimed(result('other-0')), 'ClaimRefused', /other-0 is no longer offered/],
    ['it is not allocated', claimed(), 'ClaimRefused', /has no device of this driver/],
    ['the node no longer uses DRA', { offered: undefined }, 'ClaimRefused', /no longer offered through DRA/],
    [
      'a pod holds the device by the other API',
      { heldByPlugin: new Set(['dataMvp0']) },
      'ClaimRefused',
      /device plugin API/,
    ],
    ['its parent is gone', { parents: new Map() }, 'ParentUnavailable', /eth1/],
  ];
  for (const [title, change, code, message] of refusals) {
    it(`is refused with the reason if ${title}, and nothing is changed`, async () => {
      const { prepare, links, records, files, state } = node(result('data-0'));
      Object.assign(state, change);
      await assert.rejects(prepare(), refused(code, message));
      assert.deepEqual([links.size, records.size, files.size], [0, 0, 0]);
    });
  }

  it('waits until the former claim of a device is unprepared', async () => {
    const { prepare, context, state } = node(result('data-0'));
    await prepare();
    state.claim = { uid: 'u2', pods: [], results: [result('data-0')], configs: [] };
    const next = { ...ref, name: 'net2', uid: 'u2' };
    await assert.rejects(prepareClaim(next, context, signal), refused('DeviceClaimed', /ResourceClaim vms\/net;/));
    const foreign = prepareClaim({ ...next, namespace: 'tenant-b' }, context, signal);
    await assert.rejects(foreign, refused('DeviceClaimed', /for another pod's ResourceClaim;/));
    await unprepareClaim(ref, context, signal);
    await prepareClaim(next, context, signal);
    assert.equal(context.ledger.get('dataMvp0')?.claim?.uid, 'u2');
  });
});

describe('an installation that no longer allows DRA', () => {
  it('prepares a claim of the ledger again with the same answer, and refuses any other', async () => {
    const { prepare, context, links, records, files, state } = node(
      result('data-0'),
      result('data-3', { request: 's' }),
    );
    const first = await prepare();
    const before = structuredClone([...records]);
    links.clear();
    files.clear();
    state.offered = undefined;
    const ended = { ...context, findClaim: createLedgerLookup(context.ledger, 'h1') };
    assert.deepEqual(await prepareClaim(ref, ended, signal), first);
    assert.deepEqual([...records], before);
    assert.deepEqual([links.size, files.size], [2, 1]);
    // Another claim may have the same name.
    const other = prepareClaim({ ...ref, uid: 'u2' }, ended, signal);
    await assert.rejects(other, refused('ClaimRefused', /vms\/net .*may no longer use DRA; delete the pod/));
  });
});

describe('unpreparing a claim', () => {
  it('removes its file, and frees its devices for the orphan collector, also if it is repeated or unknown', async () => {
    const { prepare, context, records, files } = node(result('data-0'), result('data-1'));
    await prepare();
    for (const uid of ['u1', 'u1', 'unknown']) await unprepareClaim({ uid }, context, signal);
    assert.equal(files.size, 0);
    assert.deepEqual(
      [...records].map(([id, { claim }]) => [id, claim]),
      [
        ['dataMvp0', undefined],
        ['dataMvp1', undefined],
      ],
    );
  });
});
