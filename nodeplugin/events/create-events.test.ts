// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterEvent } from '../../cluster/report/events/cluster-event.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { CNIEnvironment } from '../cni/cni-environment.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { createEvents } from './create-events.ts';
import { findLostAttachments } from './lost-attachments.ts';

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

  it('tells of what every pod of the node would fail by', () => {
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

describe('attachments whose parent went', () => {
  it('are told on their pods, and by their number on the Node; once, for as long as they are lost', () => {
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
    assert.match(recorded[0]?.note ?? '', /^parent bond1 went, and with it the macvtaps of 2 attachments/);
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
