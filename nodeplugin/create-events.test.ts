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
    parents: { has: (ifindex) => known.has(ifindex) },
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
  it('names the sandbox that still has the link of a released device, and no pod', () => {
    const { events, recorded } = start();
    const { attachment } = attached;
    assert.ok(attachment !== undefined);
    events.stranded([{ id: 'dataplaneMvp0', record: { ...attached, attachment } }]);
    const [event] = recorded;
    assert.deepEqual([event?.reason, event?.regarding.kind, recorded.length], ['AttachmentsStranded', 'Node', 1]);
    assert.match(event?.note ?? '', /dataplaneMvp0 .* net1 is still in sandbox c1 \(\/run\/netns\/kmt-never-was\)/);
    assert.doesNotMatch(event?.note ?? '', /vm-a/);
  });

  it('of a refused Allocate or PreStartContainer is on the Node, with its code', () => {
    const { events, recorded, told } = start();
    const refusal = new MacvtapError('ParentUnavailable', 'device a: no parent; bring it back');
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/Allocate', refusal);
    events.failedCall('dataplane', '/v1beta1.DevicePlugin/PreStartContainer', refusal);
    assert.deepEqual(told(), ['AllocateFailed Node h1 h1', 'AllocateFailed Node h1 h1']);
    const note = 'Allocate of resource dataplane: device a: no parent; bring it back (ParentUnavailable)';
    assert.equal(recorded[0]?.note, note);
  });

  it('of a failed ADD is on the pod, with both codes', () => {
    const { events, recorded, told } = start();
    failedRequest(events, 'ADD of net1', conflict, environment);
    assert.deepEqual(told(), ['AttachFailed Pod vm-a uid-a']);
    assert.equal(
      recorded[0]?.note,
      'ADD of net1: network blue wants mode vepa: leave it out (ModeConflict, CNI error 7)',
    );
  });

  it('of an ADD for a pod without a device is NotInjected, with the command that recreates it', () => {
    const { events, recorded, told } = start();
    const missing = deviceMissing('blue', ['blue'], { namespace: 'vms', name: 'virt-launcher-db-x7k2p' });
    failedRequest(events, 'ADD of net1', missing, environment);
    assert.deepEqual(told(), ['NotInjected Pod vm-a uid-a']);
    assert.match(
      recorded[0]?.note ?? '',
      /Recreate the pod: virtctl restart db -n vms\. .*\(DeviceMissing, CNI error 100\)$/,
    );
  });

  it('is none for a call that was given up, for other commands, and where no pod is named', () => {
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
    assert.match(recorded[1]?.note ?? '', /^line 2\. Until then the node uses the last valid version/);
  });
});

describe('attachments whose parent went', () => {
  it('are reported on their pods, and with their number on the Node, once for as long as they are lost', () => {
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

  it('count once more when the next sandbox loses its own', () => {
    const entries: [string, DeviceRecord][] = [['dataplaneMvp0', attached]];
    const { events, known, told } = start(entries);
    known.delete(7);
    events.interfaces();
    const attachment = { ...(attached.attachment ?? assert.fail()), containerID: 'c2' };
    entries[0] = ['dataplaneMvp0', { ...attached, attachment }];
    events.interfaces();
    assert.equal(told().filter((text) => text.startsWith('AttachmentLost ')).length, 2);
  });

  it('are not those whose sandbox went as well, nor devices that are in no pod', () => {
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

  it('are looked for by the namespace of their sandbox', () => {
    const parents = { has: () => false };
    assert.deepEqual(findLostAttachments({ entries: () => [['a', attached]] }, parents), []);
  });
});

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

describe('what becomes of the parents of a node', () => {
  it('that go: names resource, parent and who asks for it, on the Node', () => {
    const [event] = parentEvents('h1', served(fine), served(gone));
    assert.deepEqual(event?.regarding, { apiVersion: 'v1', kind: 'Node', name: 'h1', uid: 'h1' });
    assert.equal(event.reason, 'ParentVanished');
    assert.match(event.note, /parent bond1 of resource dataplane .* policy macvtap-cni\/p/);
  });

  it('that come back', () => assert.deepEqual(told([gone], [fine]), ['Normal ParentReturned']));

  it('that cannot be used any more: with the code', () => {
    const [event] = parentEvents('h1', served(fine), served({ ...fine, fault: 'Enslaved' }));
    assert.equal(event?.reason, 'ParentUnusable');
    assert.match(event.note, /name that one instead \(Enslaved\)/);
  });

  it('that are VLANs which cannot be created: with the code, and when they can', () => {
    const unsupported = { ...fine, fault: 'VlanUnsupported' } as const;
    const [event] = parentEvents('h1', served({ ...fine, fault: 'VlanMissing' }), served(unsupported));
    assert.equal(event?.reason, 'ParentUnusable');
    assert.match(event.note, /load the module 8021q .*\(VlanUnsupported\)/);
    assert.deepEqual(told([unsupported], [fine]), ['Normal ParentReturned']);
  });

  for (const [title, before, after] of [
    ['that are new', [], [fine]],
    ['that are VLANs which the node plugin is about to create', [fine], [{ ...fine, fault: 'VlanMissing' }]],
    ['that are VLANs which it has created', [{ ...fine, fault: 'VlanMissing' }], [fine]],
    ['that stay', [fine], [fine]],
    ['that stay away', [gone], [gone]],
    ['that nothing asks for any more', [fine], []],
    ['that drain', [fine], [{ name: 'dataplane', fault: 'Draining' }]],
    ['that were drained and are asked for again', [{ name: 'dataplane', fault: 'Draining' }], [fine]],
  ] as const satisfies [string, readonly ServedResource[], readonly ServedResource[]][]) {
    it(`${title}: nothing`, () => assert.deepEqual(told([...before], [...after]), []));
  }
});
