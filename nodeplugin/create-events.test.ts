// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterEvent } from '../cluster/report/events/cluster-event.ts';
import type { PlannedResource } from '../policy/plan/node-plan.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { deviceMissing } from './cni/find-device.ts';
import type { CNIEnvironment } from './cni/spec/cni-environment.ts';
import { createEvents, findLostAttachments, parentEvents } from './create-events.ts';
import type { DeviceRecord } from './ledger/device-record.ts';
import type { ServedResource } from './reconcile/served-resource.ts';

const attached: DeviceRecord = {
  resource: 'dataplane',
  parent: 'bond1',
  parentIfindex: 7,
  mode: 'bridge',
  ifindex: 50,
  attempt: 0,
  lastUsed: 1,
  pod: 'vms/vm-a',
  attachment: {
    containerID: 'c1',
    ifname: 'net1',
    netnsPath: '/run/netns/kmt-never-was',
    netnsInode: 1,
    mac: '52:54:00:00:00:01',
    podUID: 'uid-a',
    network: 'blue',
  },
};
const environment: CNIEnvironment = {
  ...{ command: 'ADD', containerID: 'c1', netns: '', sandbox: '', ifname: 'net1' },
  pod: { namespace: 'vms', name: 'vm-a', uid: 'uid-a' },
};
const conflict = new MacvtapError('ModeConflict', 'network blue wants mode vepa: leave it out');

function start(entries: readonly (readonly [string, DeviceRecord])[] = []) {
  const recorded: ClusterEvent[] = [];
  const known = new Set([7]);
  const ledger = { entries: () => entries };
  const events = createEvents({
    nodeName: 'h1',
    recorder: { record: (event) => recorded.push(event) },
    ledger,
    parents: { nameOf: (ifindex) => (known.has(ifindex) ? 'bond1' : undefined) },
    isSandboxThere: ({ containerID }) => containerID !== 'gone',
  });
  const told = () => recorded.map(({ reason, regarding: { kind, name, uid } }) => `${reason} ${kind} ${name} ${uid}`);
  return { events, recorded, known, told };
}

function failedRequest(
  { answeredRequest }: ReturnType<typeof start>['events'],
  operation: string,
  error: MacvtapError,
  given?: CNIEnvironment,
): void {
  answeredRequest({ failure: { code: 7, operation, error, ...(given && { environment: given }) } });
}

describe('an event of the node plugin', () => {
  it('for a released device names the sandbox that still has its link, but no pod', () => {
    const { events, recorded } = start();
    const { attachment } = attached;
    assert.ok(attachment !== undefined);
    events.stranded([{ id: 'dataplaneMvp0', record: { ...attached, attachment } }]);
    const [event] = recorded;
    assert.deepEqual([event?.reason, event?.regarding.kind, recorded.length], ['AttachmentsStranded', 'Node', 1]);
    assert.match(event?.note ?? '', /dataplaneMvp0 .* net1 is still in sandbox c1 \(\/run\/netns\/kmt-never-was\)/);
    assert.doesNotMatch(event?.note ?? '', /vm-a/);
  });

  it('for a failed Allocate or PreStartContainer is about the Node, and contains the error code', () => {
    const { events, recorded, told } = start();
    const refusal = new MacvtapError('ParentUnavailable', 'device a: no parent; bring it back');
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/Allocate', refusal);
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/PreStartContainer', refusal);
    assert.deepEqual(told(), ['AllocateFailed Node h1 h1', 'AllocateFailed Node h1 h1']);
    const note = 'Allocate of resource dataplane: device a: no parent; bring it back (ParentUnavailable)';
    assert.equal(recorded[0]?.note, note);
  });

  it('for a failed ADD is about the pod, and contains both error codes', () => {
    const { events, recorded, told } = start();
    failedRequest(events, 'ADD of net1', conflict, environment);
    assert.deepEqual(told(), ['AttachFailed Pod vm-a uid-a']);
    assert.equal(
      recorded[0]?.note,
      'ADD of net1: network blue wants mode vepa: leave it out (ModeConflict, CNI error 7)',
    );
  });

  it('for an ADD without a device is NotInjected, and contains the command that recreates the pod', () => {
    const { events, recorded, told } = start();
    const missing = deviceMissing('blue', ['blue'], { namespace: 'vms', name: 'virt-launcher-db-x7k2p' });
    failedRequest(events, 'ADD of net1', missing, environment);
    assert.deepEqual(told(), ['NotInjected Pod vm-a uid-a']);
    assert.match(
      recorded[0]?.note ?? '',
      /Recreate the pod: virtctl restart db -n vms\. .*\(DeviceMissing, CNI error 100\)$/,
    );
  });

  it('is not recorded for aborted calls, for other commands, and for requests without a pod', () => {
    const { events, told } = start();
    const given = new MacvtapError('Aborted', 'given up');
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/Allocate', given);
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/GetPreferredAllocation', conflict);
    failedRequest(events, 'ADD', given, environment);
    failedRequest(events, 'DEL', conflict, { ...environment, command: 'DEL' });
    failedRequest(events, 'ADD', conflict, undefined);
    const { pod, ...nobody } = environment;
    failedRequest(events, 'ADD', conflict, nobody);
    failedRequest(events, 'ADD', conflict, { ...nobody, pod: { namespace: '../x', name: 'a' } });
    assert.deepEqual(told(), []);
  });

  it('reports a problem that makes every pod of the node fail', () => {
    const { events, told } = start();
    events.macvtapSupport(true);
    events.shim(undefined);
    events.resourceState('dataplane', { phase: 'waiting', lastError: conflict });
    assert.deepEqual(told(), []);
    events.macvtapSupport(false);
    events.shim(new MacvtapError('ShimNotInstalled', 'no room'));
    const upstream = new MacvtapError('UpstreamPluginRunning', 'another one serves it');
    events.resourceState('dataplane', { phase: 'waiting', lastError: upstream });
    events.resourceState('dataplane', { phase: 'registered', lastError: upstream });
    assert.deepEqual(
      told().map((text) => text.split(' ')[0]),
      ['MacvtapUnsupported', 'CNIPluginMissing', 'UpstreamPluginRunning'],
    );
  });
});

describe('an invalid explicit configuration', () => {
  it('is reported on the Node once, and again when its error changes or returns', () => {
    const { events, recorded, told } = start();
    for (const trouble of [undefined, 'line 1', 'line 1', 'line 2', undefined, 'line 2']) {
      events.explicitConfiguration(trouble);
    }
    assert.deepEqual(told(), Array(3).fill('ExplicitInvalid Node h1 h1'));
    assert.match(recorded[1]?.note ?? '', /^line 2\. Until it is fixed, the node uses the last valid version/);
  });
});

describe('attachments whose parent was removed', () => {
  it('are reported once: each on its pod, and their number on the Node', () => {
    const other = { ...attached, pod: 'vms/vm-b' };
    const { events, recorded, known, told } = start([
      ['dataplaneMvp0', attached],
      ['dataplaneMvp1', other],
    ]);
    events.interfaces();
    assert.deepEqual(told(), []);
    known.delete(7);
    events.interfaces();
    events.interfaces();
    assert.deepEqual(told(), [
      'AttachmentsLost Node h1 h1',
      'AttachmentLost Pod vm-a uid-a',
      'AttachmentLost Pod vm-b uid-a',
    ]);
    assert.match(recorded[0]?.note ?? '', /^parent bond1 was removed, and with it the macvtaps of 2 attachments/);
    assert.doesNotMatch(recorded[0]?.note ?? '', /vm-/);
    assert.match(recorded[1]?.note ?? '', /^net1 of network blue is gone: parent bond1 .*delete the pod/);
  });

  it('are not reported again if the macvtap was deleted before the parent went', () => {
    const { events, known, told } = start([['dataplaneMvp0', attached]]);
    events.linkDamage({ lost: [asAttached(attached)], lowered: [] });
    known.delete(7);
    events.interfaces();
    assert.deepEqual(told(), ['AttachmentsLost Node h1 h1', 'AttachmentLost Pod vm-a uid-a']);
  });

  it('are reported again if the next sandbox also loses its link', () => {
    const entries: [string, DeviceRecord][] = [['dataplaneMvp0', attached]];
    const { events, known, told } = start(entries);
    known.delete(7);
    events.interfaces();
    const attachment = { ...(attached.attachment ?? assert.fail()), containerID: 'c2' };
    entries[0] = ['dataplaneMvp0', { ...attached, attachment }];
    events.interfaces();
    assert.equal(told().filter((text) => text.startsWith('AttachmentLost ')).length, 2);
  });

  it('are not reported if their sandbox is also gone, or if the device has no pod', () => {
    const { attachment, ...placeholder } = attached;
    const gone = { ...attached, attachment: { ...(attachment ?? assert.fail()), containerID: 'gone' } };
    const { events, known, told } = start([
      ['dataplaneMvp0', gone],
      ['dataplaneMvp1', placeholder],
    ]);
    known.delete(7);
    events.interfaces();
    assert.deepEqual(told(), []);
  });

  it('count as lost only if the namespace of their sandbox exists', () => {
    const parents = { nameOf: () => undefined };
    assert.deepEqual(findLostAttachments({ entries: () => [['a', attached]] }, parents), []);
  });
});

describe('damage to links whose parent exists', () => {
  const device = asAttached(attached);

  it('is a deleted macvtap: with its parent and its pod', () => {
    const { events, recorded, told } = start([['dataplaneMvp0', attached]]);
    events.linkDamage({ lost: [device], lowered: [] });
    assert.deepEqual(told(), ['AttachmentsLost Node h1 h1', 'AttachmentLost Pod vm-a uid-a']);
    assert.match(
      recorded[0]?.note ?? '',
      /^the macvtaps of 1 attachment .* were deleted, although parent bond1 exists/,
    );
    assert.doesNotMatch(recorded[0]?.note ?? '', /vm-/);
    assert.match(
      recorded[1]?.note ?? '',
      /^net1 of network blue is gone: .*although parent bond1 exists; delete the pod/,
    );
  });

  it('is an MTU that was lowered: with both values', () => {
    const { events, recorded, told } = start();
    events.linkDamage({ lost: [], lowered: [{ ...device, mtu: 1400 }] });
    assert.deepEqual(told(), ['ParentMtuLowered Node h1 h1', 'MtuLowered Pod vm-a uid-a']);
    assert.match(
      recorded[0]?.note ?? '',
      /^the MTU of parent bond1 was lowered, .*raise it again, then delete these pods/,
    );
    assert.doesNotMatch(recorded[0]?.note ?? '', /vm-/);
    assert.match(recorded[1]?.note ?? '', /^net1 of network blue has MTU 1400 instead of 1500, .*then delete the pod/);
  });
});

/** Returns the device of a record with an attachment, as if ADD had set the MTU of its link to 1500. */
function asAttached(record: DeviceRecord) {
  const attachment = { ...(record.attachment ?? assert.fail()), mtu: 1500 };
  return { id: 'dataplaneMvp0', record: { ...record, attachment } };
}

const dataplane: PlannedResource = {
  name: 'dataplane',
  parent: 'bond1',
  mode: 'bridge',
  quantity: 5,
  source: 'policy',
  policy: 'macvtap-cni/p',
  numaNodes: [],
  needVhostNet: false,
};
const fine = { name: 'dataplane', resource: dataplane };
const gone = { ...fine, fault: 'NothingFound' } as const;
const served = (...resources: ServedResource[]) => new Map(resources.map((resource) => [resource.name, resource]));
const told = (before: ServedResource[], after: ServedResource[]) =>
  parentEvents('h1', served(...before), served(...after)).map(({ type, reason }) => `${type} ${reason}`);

describe('an event about a parent', () => {
  it('that was removed is about the Node, and names resource, parent and policy', () => {
    const [event] = parentEvents('h1', served(fine), served(gone));
    assert.deepEqual(event?.regarding, { apiVersion: 'v1', kind: 'Node', name: 'h1', uid: 'h1' });
    assert.equal(event.reason, 'ParentVanished');
    assert.match(event.note, /parent bond1 of resource dataplane .* policy macvtap-cni\/p/);
  });

  it('that returned is Normal', () => assert.deepEqual(told([gone], [fine]), ['Normal ParentReturned']));

  it('that can no longer be used contains the reason code', () => {
    const [event] = parentEvents('h1', served(fine), served({ ...fine, fault: 'Enslaved' }));
    assert.equal(event?.reason, 'ParentUnusable');
    assert.match(event.note, /name that interface instead \(Enslaved\)/);
  });

  it('that is a VLAN is recorded with the code when it cannot be created, and again when it exists', () => {
    const unsupported = { ...fine, fault: 'VlanUnsupported' } as const;
    const [event] = parentEvents('h1', served({ ...fine, fault: 'VlanMissing' }), served(unsupported));
    assert.equal(event?.reason, 'ParentUnusable');
    assert.match(event.note, /load the module 8021q .*\(VlanUnsupported\)/);
    assert.deepEqual(told([unsupported], [fine]), ['Normal ParentReturned']);
  });

  for (const [title, before, after] of [
    ['that is new', [], [fine]],
    ['of a VLAN that the node plugin is about to create', [fine], [{ ...fine, fault: 'VlanMissing' }]],
    ['of a VLAN that the node plugin has created', [{ ...fine, fault: 'VlanMissing' }], [fine]],
    ['that stay', [fine], [fine]],
    ['that stays missing', [gone], [gone]],
    ['of a resource that is no longer planned', [fine], []],
    ['of a resource that is now draining', [fine], [{ name: 'dataplane', fault: 'Draining' }]],
    ['of a resource that is planned again after draining', [{ name: 'dataplane', fault: 'Draining' }], [fine]],
  ] as const satisfies [string, readonly ServedResource[], readonly ServedResource[]][]) {
    it(`${title} is not recorded`, () => assert.deepEqual(told([...before], [...after]), []));
  }
});
