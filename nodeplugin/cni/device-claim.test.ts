// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { HeldDevices } from '../podresources/held-devices.ts';
import { aboutPod, type ClaimFacts, createDeviceHolders, decideClaim, type RecordedClaim } from './device-claim.ts';

const a1 = { namespace: 'vms', name: 'a', uid: 'uid-1' };
const a2 = { ...a1, uid: 'uid-2' };
const a = { namespace: 'vms', name: 'a' };
const b = { namespace: 'vms', name: 'b', uid: 'uid-3' };

const fresh: RecordedClaim = { listed: false, sandbox: 'none' };
/** The record after an ADD and a DEL of `a1`. */
const left: RecordedClaim = { ...fresh, pod: 'vms/a', uid: 'uid-1' };
/** The same record from an older version, which recorded no UID. */
const unnumbered: RecordedClaim = { ...fresh, pod: 'vms/a' };
/** The record of an attachment for which the runtime named no pod. */
const anonymous: RecordedClaim = { ...fresh, sandbox: 'other' };
const listed = (record: RecordedClaim): RecordedClaim => ({ ...record, listed: true });
const running = (record: RecordedClaim): RecordedClaim => ({ ...record, sandbox: 'other' });
const lost = (record: RecordedClaim): RecordedClaim => ({ ...record, sandbox: 'gone' });
const here = (record: RecordedClaim): RecordedClaim => ({ ...record, sandbox: 'own' });

type Pod = ClaimFacts['pod'];
type Row = readonly [title: string, pod: Pod, record: RecordedClaim | undefined, expected: string];

const tables: readonly { readonly says: string; readonly holders: ClaimFacts['holders']; readonly rows: Row[] }[] = [
  {
    says: 'kubelet lists pod a',
    holders: [a],
    rows: [
      ['a, the ledger lost the device', a1, undefined, 'by-kubelet'],
      ['a, after Allocate', a1, fresh, 'by-kubelet'],
      ['a again, after DEL', a1, left, 'by-kubelet'],
      ['a again, its sandbox is gone without DEL', a1, lost(listed(left)), 'by-kubelet'],
      ['a, the record has no UID', a1, unnumbered, 'by-kubelet'],
      ['a, the runtime names no UID', a, left, 'by-kubelet'],
      ['no pod is named', undefined, left, 'by-kubelet'],
      ['another a, after DEL of the first', a2, left, 'FormerPods'],
      ['another a, while the first runs', a2, running(listed(left)), 'FormerPods'],
      ['b', b, left, 'AnotherPods'],
      ['b, the ledger lost the device', b, undefined, 'AnotherPods'],
      ['b, after Allocate', b, fresh, 'AnotherPods'],
    ],
  },
  {
    says: 'kubelet lists pod b',
    holders: [b],
    rows: [
      ['b, although the ledger names a', b, left, 'by-kubelet'],
      ['a, although the ledger names a', a1, left, 'AnotherPods'],
    ],
  },
  {
    says: 'kubelet lists no pod',
    holders: [],
    rows: [
      ['a, the ledger does not know the device', a1, undefined, 'NeverAllocated'],
      ['a, first after Allocate: an init container', a1, fresh, 'first'],
      ['a, first after Allocate, and kubelet listed it before', a1, listed(fresh), 'Released'],
      ['a again, never listed: an init container', a1, left, 'by-ledger'],
      ['a again, never listed, and it still runs elsewhere', a1, running(left), 'by-ledger'],
      ['a again, but kubelet listed it before', a1, listed(left), 'Released'],
      ['a again, but kubelet listed it before, and it runs here', a1, here(listed(left)), 'Released'],
      ['another a, after DEL of the first', a2, left, 'Released'],
      ['another a, after the sandbox of the first went', a2, lost(left), 'Released'],
      ['another a, while the first runs', a2, running(left), 'InOtherSandbox'],
      ['a, the record has no UID', a1, unnumbered, 'by-ledger'],
      ['a, the record has no UID, but kubelet listed it before', a1, listed(unnumbered), 'Released'],
      ['a, the runtime names no UID', a, left, 'by-ledger'],
      ['b, after DEL of a', b, left, 'Released'],
      ['b, while a runs', b, running(left), 'InOtherSandbox'],
      ['b, while a runs, and kubelet listed it before', b, running(listed(left)), 'InOtherSandbox'],
      ['a again, but kubelet listed it before, and it still runs elsewhere', a1, running(listed(left)), 'Released'],
      ['no pod is named, after DEL of a', undefined, left, 'Released'],
      ['a, an unnamed pod runs', a1, anonymous, 'InOtherSandbox'],
      ['a, an unnamed pod ran and its sandbox is gone', a1, lost(anonymous), 'first'],
      ['a, an unnamed pod runs in the same sandbox', a1, here(anonymous), 'first'],
    ],
  },
  {
    says: 'kubelet may not know all its pods yet',
    holders: undefined,
    rows: [
      ['a, the ledger does not know the device', a1, undefined, 'NotListedYet'],
      ['a, first after Allocate', a1, fresh, 'first'],
      ['a again', a1, listed(left), 'by-ledger'],
      ['another a', a2, left, 'NotListedYet'],
      ['another a, while the first runs', a2, running(left), 'NotListedYet'],
      ['b', b, left, 'NotListedYet'],
      ['a, an unnamed pod runs', a1, anonymous, 'NotListedYet'],
    ],
  },
];

for (const { says, holders, rows } of tables) {
  for (const [title, pod, record, expected] of rows) {
    test(`${says}; ${title}: ${expected}`, () => {
      const claim = decideClaim({ pod, record, holders });
      assert.equal('taken' in claim ? claim.taken : claim.refused, expected);
    });
  }
}

const pod = { namespace: 'vms', name: 'a', container: 'compute' };
const held = (complete: boolean, ...ids: readonly string[]): HeldDevices => ({
  devices: new Map(ids.map((id) => [id, { resource: 'net', pods: [pod] }])),
  complete,
  askedAtMs: 0,
});

test('the holders of an unlisted device are unknown until kubelet knows all its pods, and none afterwards', async () => {
  let current: HeldDevices | undefined;
  const watch = {
    get current() {
      return current;
    },
    refresh: async () => held(true, 'netMvp1'),
    confirm: async () => false,
  };
  const holders = createDeviceHolders(watch, { wasGivenOutSince: () => false, wasListed: () => false });
  const { signal } = new AbortController();
  assert.equal(holders.known('netMvp0'), undefined);
  current = held(false, 'netMvp0');
  assert.deepEqual([holders.known('netMvp0'), holders.known('netMvp1')], [[pod], undefined]);
  current = held(true, 'netMvp0');
  assert.deepEqual(holders.known('netMvp1'), []);
  assert.deepEqual([await holders.ask('netMvp0', signal), await holders.ask('netMvp1', signal)], [[], [pod]]);
});

test("kubelet's last response is ignored for a device that was allocated after it", async () => {
  const watch = {
    current: { ...held(true, 'netMvp0'), askedAtMs: 7 },
    refresh: async () => held(true, 'netMvp0'),
    confirm: async () => false,
  };
  const givenOut: unknown[] = [];
  const holders = createDeviceHolders(watch, {
    wasGivenOutSince(id, atMs) {
      givenOut.push([id, atMs]);
      return true;
    },
    wasListed: () => false,
  });
  assert.deepEqual([holders.known('netMvp0'), holders.known('netMvp1')], [undefined, undefined]);
  assert.deepEqual(givenOut, [
    ['netMvp0', 7],
    ['netMvp1', 7],
  ]);
  assert.deepEqual(await holders.ask('netMvp0', new AbortController().signal), [pod]);
});

test('the list of all pods is not requested if kubelet confirms the likely holder, and is requested otherwise', async () => {
  const confirmed: unknown[] = [];
  let lists = 0;
  const watch = {
    current: undefined,
    refresh: async () => {
      lists += 1;
      return held(true, 'netMvp0');
    },
    confirm: async (id: string, { name }: { readonly name: string }) => {
      confirmed.push([id, name]);
      return name === 'b';
    },
  };
  const holders = createDeviceHolders(watch, { wasGivenOutSince: () => false, wasListed: () => false });
  const { signal } = new AbortController();
  const b = { namespace: 'vms', name: 'b' };
  assert.deepEqual(await holders.ask('netMvp0', signal, b), [b]);
  assert.equal(lists, 0);
  assert.deepEqual(await holders.ask('netMvp0', signal, { namespace: 'vms', name: 'c' }), [pod]);
  assert.deepEqual(await holders.ask('netMvp0', signal), [pod]);
  assert.equal(lists, 2);
  assert.deepEqual(confirmed, [
    ['netMvp0', 'b'],
    ['netMvp0', 'c'],
  ]);
});

describe('the reference to a pod', () => {
  it("contains the pod's UID", () => {
    assert.deepEqual(aboutPod({ namespace: 'vms', name: 'vm-a.b', uid: 'u' }), {
      ...{ apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a.b', uid: 'u' },
    });
    assert.equal(aboutPod({ namespace: 'vms', name: 'vm-a' })?.uid, undefined);
  });

  for (const [namespace, name] of [
    ['..', 'a'],
    ['', 'a'],
    ['a/b', 'a'],
    ['a'.repeat(64), 'a'],
    ['vms', ''],
    ['vms', '../a'],
    ['vms', 'A'],
    ['vms', 'a'.repeat(254)],
  ] as const) {
    it(`is undefined for the names ${JSON.stringify([namespace, name]).slice(0, 40)}`, () =>
      assert.equal(aboutPod({ namespace, name }), undefined));
  }
});
