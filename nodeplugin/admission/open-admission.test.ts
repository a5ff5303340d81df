// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptySnapshot } from '../../cluster/source.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { PodName } from '../podresources/held-devices.ts';
import { createNamespaceLabels, openAdmission } from './open-admission.ts';

const parentSelector = [{ parentIface: 'eth0', resourceName: 'data' }] as const;
const open = policy('p', { parentSelector });
const restricted = policy('p', { parentSelector, namespaceSelector: { matchLabels: { team: 'a' } } });

const planned: PlannedResource = {
  ...{ source: 'policy', policy: restricted.id, name: 'data', parent: 'eth0' },
  ...{ mode: 'bridge', quantity: 1, numaNodes: [], needVhostNet: false },
};

const id = 'dataMvp0';
const allocated: DeviceRecord = {
  ...{ resource: 'data', parent: 'eth0', parentIfindex: 2, mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 },
};
const attachment = {
  containerID: 'c',
  ifname: 'net1',
  netnsPath: '/run/netns/a',
  netnsInode: 1,
  mac: '52:54:00:00:00:01',
};
const pod = { namespace: 'vms', name: 'vm-a', uid: 'uid-1' };
const { signal } = new AbortController();

interface Given {
  readonly policies?: readonly Policy[];
  /** False before the first plan. */
  readonly isPlanned?: boolean;
  /** The labels of the namespace, or an error if they cannot be read. */
  readonly labels?: Labels | Error | undefined;
  readonly holders?: readonly PodName[] | undefined;
  readonly record?: DeviceRecord;
}

/** Creates a node with one device. A test fails if the admission reads labels that it does not need. */
function node({ policies = [restricted], isPlanned = true, holders, record = allocated, ...given }: Given = {}) {
  const plan = { node: 'h1', source: 'policy', resources: [planned], skipped: [], conflicts: [] } as const;
  const records = new Map([[id, record]]);
  const admission = openAdmission({
    source: { snapshot: { ...emptySnapshot, policies } },
    plan: { current: isPlanned ? { plan, madeMs: 0, isInForce: true } : undefined },
    async labels(namespace) {
      assert.ok('labels' in given, `labels of ${namespace} are not needed`);
      if (given.labels instanceof Error) throw given.labels;
      return given.labels;
    },
    ledger: {
      get: (device) => records.get(device),
      record: async (device, entry) => void records.set(device, { ...entry, lastUsed: 2 }),
    },
    holders: { known: () => undefined, ask: async () => holders },
    lock: createKeyedMutex(),
  });
  return {
    attach: (who: typeof pod | PodName | 'nobody' = pod) =>
      admission.checkAttach(id, record, who === 'nobody' ? undefined : who),
    start: () => admission.checkStart(id, record, signal),
    restriction: () => admission.restrictionOf(planned),
    pod: () => records.get(id)?.pod,
  };
}

const away = new MacvtapError('LookupFailed', 'GET /api/v1/namespaces/vms: no answer');

describe('an ADD', () => {
  it('sends no request to the API server if no policy restricts the resource', async () => {
    await node({ policies: [open] }).attach();
    await node({ policies: [open] }).attach('nobody');
  });

  it('succeeds for a namespace that the policy admits', async () => {
    await node({ labels: { team: 'a' } }).attach();
  });

  it('fails for any other namespace, and the error names pod, resource, policy, selector and next step', async () => {
    await assert.rejects(node({ labels: { team: 'b' } }).attach(), {
      code: 'NamespaceNotAdmitted',
      message:
        'pod vms/vm-a may not use resource data: policy macvtap-cni/p admits only namespaces with team=a, ' +
        'and namespace vms does not match; label the namespace if its pods may use the resource, or delete the pod',
    });
  });

  for (const [title, given, who, why] of [
    ['the labels cannot be read', { labels: away }, pod, /labels of namespace vms cannot be read: GET .* no answer/],
    ['there is no such namespace', { labels: undefined }, pod, /there is no namespace vms/],
    ['the runtime names no pod', {}, 'nobody', /the container runtime names no pod/],
  ] as const) {
    it(`fails with NamespaceUnknown while ${title}`, async () => {
      await assert.rejects(node(given).attach(who), (error: MacvtapError) => {
        assert.equal(error.code, 'NamespaceUnknown');
        assert.match(error.message, why);
        assert.match(error.message, /policy macvtap-cni\/p admits only namespaces with team=a.*; kubelet tries again$/);
        return true;
      });
    });
  }

  it('fails with PlanUnknown while the policies are not known', async () => {
    await assert.rejects(node({ isPlanned: false }).attach(), { code: 'PlanUnknown' });
  });

  for (const [title, record] of [
    ['the device', { ...allocated, podUID: pod.uid }],
    ['the attachment that an older version made', { ...allocated, attachment: { ...attachment, podUID: pod.uid } }],
  ] as const) {
    it(`succeeds for a pod that was admitted earlier, if ${title} has its UID`, async () => {
      await node({ record }).attach();
      await node({ record, isPlanned: false }).attach();
      for (const other of [
        { ...pod, uid: 'uid-2' },
        { namespace: 'vms', name: 'vm-a' },
      ])
        await assert.rejects(node({ record, labels: {} }).attach(other), { code: 'NamespaceNotAdmitted' });
    });
  }

  it('uses the selector that was in force at Allocate if the policy no longer exists', async () => {
    const restriction = node().restriction();
    assert.ok(restriction !== undefined);
    const given = { policies: [], record: { ...allocated, restriction } };
    await node({ ...given, labels: { team: 'a' } }).attach();
    await assert.rejects(node({ ...given, labels: {} }).attach(), {
      message: /policy macvtap-cni\/p admitted only namespaces with team=a when the device was allocated/,
    });
  });
});

describe('the start of a container', () => {
  const holders = [pod, pod];

  it('sends no request to the API server if no policy restricts the resource, or if ADD has admitted the pod', async () => {
    await node({ policies: [open] }).start();
    await node({ record: { ...allocated, attachment }, isPlanned: false }).start();
  });

  it('fails for a pod without a network if its namespace is not admitted', async () => {
    await assert.rejects(node({ labels: {}, holders }).start(), {
      code: 'NamespaceNotAdmitted',
      message: /^pod vms\/vm-a may not use resource data: /,
    });
    await assert.rejects(node({ labels: away, holders }).start(), { code: 'NamespaceUnknown' });
    const restriction = node().restriction() ?? assert.fail();
    const restricted = node({ record: { ...allocated, restriction }, isPlanned: false, holders });
    await assert.rejects(restricted.start(), { code: 'PlanUnknown' });
  });

  it('succeeds before the first plan if the device had no restriction at Allocate', async () => {
    await node({ isPlanned: false, holders }).start();
  });

  it('fails if one of several pods of the device is not admitted', async () => {
    const both = [pod, { namespace: 'other', name: 'b' }];
    await assert.rejects(node({ labels: {}, holders: both }).start(), { code: 'NamespaceNotAdmitted' });
  });

  it('records the pod with the device, so that a later start succeeds after any change', async () => {
    const first = node({ labels: { team: 'a' }, holders });
    await first.start();
    assert.equal(first.pod(), 'vms/vm-a');
    await node({ record: { ...allocated, pod: 'vms/vm-a' }, isPlanned: false }).start();
  });

  it('succeeds if kubelet names no pod, because the link of an ordinary init container is down', async () => {
    for (const nobody of [[], undefined]) {
      const first = node({ holders: nobody });
      await first.start();
      assert.equal(first.pod(), undefined);
    }
  });
});

describe('the restriction that the ledger records', () => {
  it('is the selector of the policy that offers the resource', () => {
    assert.deepEqual(node().restriction(), { policy: restricted.id, namespaces: restricted.namespaces });
    assert.equal(node({ policies: [open] }).restriction(), undefined);
    assert.equal(node({ policies: [] }).restriction(), undefined);
  });
});

/** Creates a lookup of labels that records its requests, on a clock that the test controls. */
function labels(answer: (namespace: string) => Promise<Labels | undefined>) {
  const asked: string[] = [];
  const clock = { ms: 0 };
  const lookup = (namespace: string) => {
    asked.push(namespace);
    return answer(namespace);
  };
  return { asked, clock, read: createNamespaceLabels({ lookup, now: () => clock.ms }) };
}

describe('labels of namespaces', () => {
  it('are read once for pods that arrive together, and again after two seconds', async () => {
    const { asked, clock, read } = labels(async (namespace) => ({ of: namespace }));
    assert.deepEqual(await Promise.all([read('a'), read('a'), read('b')]), [{ of: 'a' }, { of: 'a' }, { of: 'b' }]);
    clock.ms = 1_999;
    await read('a');
    assert.deepEqual(asked, ['a', 'b']);
    clock.ms = 2_000;
    await read('a');
    assert.deepEqual(asked, ['a', 'b', 'a']);
  });

  it('are read again after a failure, and after the namespace was missing', async () => {
    const failure = new MacvtapError('LookupFailed', 'away');
    const answers = [Promise.reject(failure), Promise.resolve(undefined), Promise.resolve({})];
    const { asked, read } = labels((namespace) => answers.shift() ?? assert.fail(namespace));
    await assert.rejects(read('a'), failure);
    assert.equal(await read('a'), undefined);
    assert.deepEqual(await read('a'), {});
    assert.deepEqual(asked, ['a', 'a', 'a']);
  });
});
