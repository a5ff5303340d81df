// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openApiClient } from '../../cluster/api/client.ts';
import { aboutNode, type ClusterEvent } from '../../cluster/report/events/cluster-event.ts';
import { recordEvents } from '../../cluster/report/events/event-recorder.ts';
import { createEventWriter } from '../../cluster/report/events/event-writer.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNamespace, makeNode } from './install.ts';
import { podToken } from './pod-token.ts';

// An event that the recorder writes with the chart's rights, as kubectl shows it.
interface WrittenEvent {
  readonly metadata: { readonly name: string };
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly uid?: string };
}

const component = 'kube-macvtap-nodeplugin';
const cluster = await clusterOfFile();
await makeNode(cluster, 'h1');
await makeNamespace(cluster, 'vms');

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'vm-a', namespace: 'vms' },
  spec: { containers: [{ name: 'compute', image: 'localhost/busybox:1' }] },
};
const readUID = async (path: string) =>
  (await cluster.admin.must<{ metadata: { uid: string } }>('GET', path)).metadata.uid;
const readEvents = async (namespace: string) => {
  const { items } = await cluster.admin.must<{ items: readonly WrittenEvent[] }>(
    'GET',
    `/api/v1/namespaces/${namespace}/events`,
  );
  return items.filter(({ message }) => !message.startsWith('kubelet'));
};
const untilCount = async (namespace: string, note: string, count: number): Promise<void> => {
  await until(
    async () => (await readEvents(namespace)).filter(({ message }) => message === note).map((event) => event.count),
    (counts) => counts.join() === String(count),
  );
};

/** Starts a recorder like that of the node plugin of h1, in a separate process. */
async function startRecorder() {
  await using undo = new AsyncDisposableStack();
  const token = await podToken(cluster, {
    namespace: installationNamespace,
    serviceAccount: component,
    node: 'h1',
  });
  const client = undo.use(await openApiClient({ kubeconfig: await cluster.writeKubeconfig('plugin', token) }));
  const reports: string[] = [];
  const recorder = undo.use(
    recordEvents({
      writer: createEventWriter(client, { component, instance: 'h1' }),
      component,
      timings: { coalesceMs: 5 },
      onState: (error) => reports.push(error?.message ?? 'well'),
      onDropped: (count) => reports.push(`dropped ${count}`),
    }),
  );
  const scope = undo.move();
  return { recorder, reports, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

function eventOn(regarding: ClusterEvent['regarding'], note: string): ClusterEvent {
  return { type: 'Warning', reason: 'AttachFailed', action: 'ADD', regarding, note };
}

describe('an event in a real API server', () => {
  it('that happens twice is one object with a count of 2, and the next process continues the count', async () => {
    const event = eventOn(aboutNode('h1'), 'it happened');
    {
      await using first = await startRecorder();
      first.recorder.record(event);
      await untilCount('default', event.note, 1);
      first.recorder.record(event);
      await untilCount('default', event.note, 2);
    }
    await using second = await startRecorder();
    second.recorder.record(event);
    await untilCount('default', event.note, 3);
    assert.deepEqual(second.reports, []);
  });

  it('on a pod appears in kubectl describe, with its count', async () => {
    await apply(cluster, [pod]);
    const uid = await readUID('/api/v1/namespaces/vms/pods/vm-a');
    const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a', uid };
    await using started = await startRecorder();
    started.recorder.record(eventOn(regarding, 'no device'));
    started.recorder.record(eventOn(regarding, 'no device'));
    await untilCount('vms', 'no device', 2);
    const described = await cluster.mustKubectl(['-n', 'vms', 'describe', 'pod', 'vm-a']);
    assert.match(described, /Warning +AttachFailed +\d+s \(x2 over \d+s\) +kube-macvtap-nodeplugin +no device/);
    const select = `--field-selector=reportingComponent=${component}`;
    const listed = await cluster.mustKubectl(['get', 'events', '-A', select, '--sort-by=.lastTimestamp']);
    assert.match(listed, /vms +\d+s +Warning +AttachFailed +pod\/vm-a +no device/);
  });

  it('on a Node appears in kubectl describe', async () => {
    await using started = await startRecorder();
    started.recorder.record(eventOn(aboutNode('h1'), 'on the node'));
    await untilCount('default', 'on the node', 1);
    assert.match(await cluster.mustKubectl(['describe', 'node', 'h1']), /AttachFailed .* on the node/);
  });

  it('on an object of the CRDs or of another kind appears in kubectl describe', async () => {
    const objects = [
      {
        apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
        kind: 'MacvtapNetworkNodePolicy',
        metadata: { name: 'loser', namespace: installationNamespace },
        spec: { parentSelector: [{ parentIface: 'eth1' }] },
      },
      {
        apiVersion: 'k8s.cni.cncf.io/v1',
        kind: 'NetworkAttachmentDefinition',
        metadata: { name: 'blue', namespace: 'vms' },
        spec: { config: '{}' },
      },
    ];
    await apply(cluster, objects);
    await using started = await startRecorder();
    for (const [object, plural] of [
      [objects[0], 'macvtapnetworknodepolicies'],
      [objects[1], 'network-attachment-definitions'],
    ] as const) {
      const { apiVersion, kind, metadata } = object ?? assert.fail();
      const { name, namespace } = metadata;
      const uid = await readUID(`/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}`);
      started.recorder.record(eventOn({ apiVersion, kind, namespace, name, uid }, `on ${kind}`));
      await untilCount(namespace, `on ${kind}`, 1);
      const described = await cluster.mustKubectl(['-n', namespace, 'describe', plural, name]);
      assert.match(described, new RegExp(`AttachFailed .* on ${kind}`));
    }
    assert.deepEqual(started.reports, []);
  });

  it('has a text as long as the API server accepts', async () => {
    await using started = await startRecorder();
    started.recorder.record(eventOn(aboutNode('h1'), '€'.repeat(1_000)));
    const [event] = await until(
      async () => (await readEvents('default')).filter(({ message }) => message.startsWith('€')),
      ({ length }) => length > 0,
    );
    assert.ok(Buffer.byteLength(event?.message ?? '') <= 1_024);
  });

  it('is written once the API server is back; an event for a missing namespace is dropped', async () => {
    await using started = await startRecorder();
    const { recorder, reports } = started;
    await cluster.stopApiServer();
    recorder.record(eventOn(aboutNode('h1'), 'meanwhile'));
    recorder.record(eventOn(aboutNode('h1'), 'meanwhile'));
    await until(
      async () => reports.length,
      (length) => length > 0,
    );
    await cluster.restartApiServer();
    await untilCount('default', 'meanwhile', 2);
    recorder.record(eventOn({ apiVersion: 'v1', kind: 'Pod', namespace: 'nowhere', name: 'a' }, 'nobody'));
    await until(
      async () => reports.at(-1),
      (text) => text === 'dropped 1',
    );
    assert.match(reports.at(-2) ?? '', /Pod a: 404: namespaces "nowhere" not found/);
  });
});
