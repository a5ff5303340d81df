// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { type Interception, startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../../test/process/until.ts';
import { pause } from '../../api/pause.ts';
import { aboutNode, type ClusterEvent } from './cluster-event.ts';
import { createEventWriter } from './event-writer.ts';
import { recordEvents } from './record-events.ts';

const component = 'kube-macvtap-nodeplugin';
const onNode = (note: string): ClusterEvent => ({
  type: 'Warning',
  reason: 'AllocateFailed',
  action: 'Allocate',
  regarding: aboutNode('h1'),
  note,
});
const onPod: ClusterEvent = {
  type: 'Warning',
  reason: 'AttachFailed',
  action: 'ADD',
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a', uid: 'uid-a' },
  note: 'no device',
};

async function start() {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  const told: string[] = [];
  /** What is waited for after a failure is made short. */
  const startRecorder = (timings = { coalesceMs: 5, graceMs: 60_000 }) =>
    recordEvents({
      writer: createEventWriter(connectStandIn(server), { component, instance: 'h1' }),
      component,
      timings,
      pause: (ms, signal) => pause(ms > timings.coalesceMs ? ms / 50 : ms, signal),
      onState: (error) => told.push(error?.message ?? 'well'),
      onDropped: (count) => told.push(`dropped ${count}`),
    });
  const recorder = undo.use(startRecorder());
  const counts = () => [...server.store.objects.values()].map(({ message, count }) => `${message} x${count}`);
  const untilCounts = (expected: readonly string[]) =>
    until(
      async () => counts().join(),
      (seen) => seen === expected.join(),
    );
  const refuse = (answer: Interception | undefined) => server.intercept(() => answer);
  const scope = undo.move();
  return {
    ...{ server, recorder, startRecorder, told, counts, untilCounts, refuse },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

describe('an event', () => {
  it('on a Node is written as kubelet writes it: in the namespace default, with the name for its UID', async () => {
    await using started = await start();
    const { server, recorder, untilCounts } = started;
    recorder.record(onNode('no parent'));
    await untilCounts(['no parent x1']);
    const [written] = server.store.objects.values();
    const { metadata, firstTimestamp, lastTimestamp, ...event } = written ?? assert.fail();
    assert.equal(metadata.namespace, 'default');
    assert.match(metadata.name, /^h1\.[0-9a-f]{16}$/);
    assert.match(String(firstTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(lastTimestamp, firstTimestamp);
    assert.deepEqual(event, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { apiVersion: 'v1', kind: 'Node', name: 'h1', uid: 'h1' },
      type: 'Warning',
      reason: 'AllocateFailed',
      action: 'Allocate',
      message: 'no parent',
      count: 1,
      source: { component, host: 'h1' },
      reportingComponent: component,
      reportingInstance: 'h1',
    });
  });

  it('on a pod is in its namespace', async () => {
    await using started = await start();
    started.recorder.record(onPod);
    await started.untilCounts(['no device x1']);
    const [written] = started.server.store.objects.values();
    assert.deepEqual([written?.metadata.namespace, written?.involvedObject], ['vms', onPod.regarding]);
  });

  it('that happens again is counted up by one patch', async () => {
    await using started = await start();
    const { server, recorder, untilCounts } = started;
    recorder.record(onPod);
    await untilCounts(['no device x1']);
    recorder.record(onPod);
    await untilCounts(['no device x2']);
    assert.deepEqual(
      server.requests.map((request) => request.split(' ')[0]),
      ['POST', 'PATCH'],
    );
  });

  it('that happens again after a new start is still the same one', async () => {
    await using started = await start();
    const { recorder, startRecorder, untilCounts } = started;
    recorder.record(onPod);
    recorder.record(onPod);
    await untilCounts(['no device x2']);
    await using next = startRecorder();
    next.record(onPod);
    await untilCounts(['no device x3']);
    next.record(onPod);
    await untilCounts(['no device x4']);
  });

  it('that the API server has forgotten meanwhile is written anew', async () => {
    await using started = await start();
    const { server, recorder, untilCounts } = started;
    recorder.record(onPod);
    await untilCounts(['no device x1']);
    for (const key of [...server.store.objects.keys()]) server.store.remove(key);
    recorder.record(onPod);
    await untilCounts(['no device x1']);
  });

  it('that waits is written when the recorder ends', async () => {
    await using started = await start();
    {
      await using recorder = started.startRecorder({ coalesceMs: 600_000, graceMs: 60_000 });
      recorder.record(onPod);
    }
    assert.deepEqual(started.counts(), ['no device x1']);
  });
});

describe('while the API server', () => {
  it('is away, events are kept, which is told once', async () => {
    await using started = await start();
    const { server, recorder, told, untilCounts } = started;
    await server.stop();
    for (let at = 0; at < 3; at += 1) recorder.record(onPod);
    await until(
      async () => told.length,
      (length) => length === 1,
    );
    recorder.record(onNode('a'));
    await server.start();
    await untilCounts(['no device x3', 'a x1']);
    assert.match(told.join(' | '), /^POST .*ECONNREFUSED[^|]* \| well$/);
  });

  it('is away, the recorder ends at once, and takes nothing more', async () => {
    await using started = await start();
    const { server, startRecorder, told } = started;
    await server.stop();
    const recorder = startRecorder();
    recorder.record(onPod);
    await until(
      async () => told.length,
      (length) => length === 1,
    );
    await recorder[Symbol.asyncDispose]();
    recorder.record(onPod);
    await server.start();
    assert.deepEqual(started.counts(), []);
  });

  it('never answers, the recorder ends all the same', async () => {
    await using started = await start();
    const { server, startRecorder, refuse } = started;
    refuse('hang');
    const recorder = startRecorder({ coalesceMs: 1, graceMs: 20 });
    recorder.record(onPod);
    await until(
      async () => server.requests.length,
      (length) => length === 1,
    );
    await recorder[Symbol.asyncDispose]();
  });

  it('is in trouble, an event is tried again, and not for ever', async () => {
    await using started = await start();
    const { server, recorder, told, refuse } = started;
    refuse({ status: 503, body: { message: 'busy' } });
    recorder.record(onPod);
    await until(
      async () => told.join(' | '),
      (text) => text.includes('dropped'),
    );
    assert.equal(server.requests.length, 5);
    assert.match(told.join(' | '), /^write event AttachFailed on Pod vm-a: 503: busy \| dropped 1$/);
  });

  it('refuses one event, it is dropped, and the next one written', async () => {
    await using started = await start();
    const { server, recorder, told, refuse, untilCounts } = started;
    refuse({ status: 403, body: { message: 'no right' } });
    recorder.record(onPod);
    await until(
      async () => told.join(' | '),
      (text) => text.includes('dropped'),
    );
    refuse(undefined);
    recorder.record(onNode('a'));
    await untilCounts(['a x1']);
    assert.match(told.join(' | '), /^[^|]*403: no right[^|]*\| dropped 1 \| well$/);
    assert.equal(server.requests.length, 2);
  });
});

describe('a flood of 10,000 events', () => {
  it('at once is a bounded number of requests, and nobody waits for them', async () => {
    await using started = await start();
    const { server, recorder, told } = started;
    for (let at = 0; at < 10_000; at += 1)
      recorder.record({ ...onPod, regarding: { ...onPod.regarding, name: `p${at}` } });
    assert.equal(server.requests.length, 0);
    await until(
      async () => told.length,
      (length) => length === 1,
    );
    assert.deepEqual(told, ['dropped 9500']);
    // The burst, and one for each second that the machine takes for them.
    assert.ok(server.requests.length >= 50 && server.requests.length < 100, `${server.requests.length}`);
  });
});
