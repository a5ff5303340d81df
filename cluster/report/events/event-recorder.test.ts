// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pause } from '../../../runtime/pause.ts';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { type Interception, startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { keepLog } from '../../../test/fixtures/webhook/keep-log.ts';
import { until } from '../../../test/process/until.ts';
import { aboutNode, type ClusterEvent } from './cluster-event.ts';
import { openEventRecorder, recordEvents } from './event-recorder.ts';
import { createEventWriter } from './event-writer.ts';

const source = { component: 'kube-macvtap-nodeplugin', instance: 'h1' };
const event: ClusterEvent = {
  ...{ type: 'Warning', reason: 'ParentVanished', action: 'Expose', regarding: aboutNode('h1') },
  note: 'parent eth1 is not there any more',
};

it('if the source is a directory, an event is a log line with its level', async () => {
  const { log, lines } = keepLog();
  await using recorder = openEventRecorder({ kind: 'manifests', directory: '/tmp', placesOf: () => [] }, source, log);
  recorder.record(event);
  recorder.record({ ...event, type: 'Normal', reason: 'ParentReturned' });
  assert.deepEqual(
    lines.map(({ level, message, fields: { reason, note } }) => [level, message, reason, note]),
    [
      ['warn', 'event', 'ParentVanished', event.note],
      ['info', 'event', 'ParentReturned', event.note],
    ],
  );
});

it('if the source is a cluster, events are written to the cluster, and a failure is logged once', async () => {
  await using server = await startApiServer();
  const { log, lines } = keepLog();
  using client = connectStandIn(server);
  await using recorder = openEventRecorder({ kind: 'cluster', client, mostMatched: undefined }, source, log);
  server.intercept(() => ({ status: 422, body: { message: 'invalid' } }));
  recorder.record(event);
  await until(
    async () => lines.map(({ message }) => message),
    ({ length }) => length === 2,
  );
  server.intercept(undefined);
  recorder.record(event);
  await until(
    async () => server.store.objects.size,
    (size) => size === 1,
  );
  await until(
    async () => lines.map(({ message }) => message),
    (messages) => messages.at(-1) === 'events are written again',
  );
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    [
      'warn: writing an event failed',
      'warn: events dropped: too many, too old, or refused',
      'info: events are written again',
    ],
  );
});

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
  const reported: string[] = [];
  /** Starts a recorder whose waits after failures are short. */
  const startRecorder = (timings = { coalesceMs: 5, graceMs: 60_000 }) =>
    recordEvents({
      writer: createEventWriter(connectStandIn(server), { component, instance: 'h1' }),
      component,
      timings,
      pause: (ms, signal) => pause(ms > timings.coalesceMs ? ms / 50 : ms, signal),
      onState: (error) => reported.push(error?.message ?? 'well'),
      onDropped: (count) => reported.push(`dropped ${count}`),
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
    ...{ server, recorder, startRecorder, reported, counts, untilCounts, refuse },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

describe('an event', () => {
  it('about a Node is written like those of kubelet: in the namespace default, with the name as the UID', async () => {
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

  it('about a pod is in the namespace of the pod', async () => {
    await using started = await start();
    started.recorder.record(onPod);
    await started.untilCounts(['no device x1']);
    const [written] = started.server.store.objects.values();
    assert.deepEqual([written?.metadata.namespace, written?.involvedObject], ['vms', onPod.regarding]);
  });

  it('that happens again causes one patch that increases its count', async () => {
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

  it('that happens again after a restart is still the same event', async () => {
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

  it('that has expired on the API server is created again', async () => {
    await using started = await start();
    const { server, recorder, untilCounts } = started;
    recorder.record(onPod);
    await untilCounts(['no device x1']);
    for (const key of [...server.store.objects.keys()]) server.store.remove(key);
    recorder.record(onPod);
    await untilCounts(['no device x1']);
  });

  it('that waits is still written when the recorder ends', async () => {
    await using started = await start();
    {
      await using recorder = started.startRecorder({ coalesceMs: 600_000, graceMs: 60_000 });
      recorder.record(onPod);
    }
    assert.deepEqual(started.counts(), ['no device x1']);
  });
});

describe('while the API server', () => {
  it('is unreachable, events are kept, and the outage is reported once', async () => {
    await using started = await start();
    const { server, recorder, reported, untilCounts } = started;
    await server.stop();
    for (let at = 0; at < 3; at += 1) recorder.record(onPod);
    await until(
      async () => reported.length,
      (length) => length === 1,
    );
    recorder.record(onNode('a'));
    await server.start();
    await untilCounts(['no device x3', 'a x1']);
    assert.match(reported.join(' | '), /^POST .*ECONNREFUSED[^|]* \| well$/);
  });

  it('is unreachable, a recorder that is disposed of ends at once, and accepts no more events', async () => {
    await using started = await start();
    const { server, startRecorder, reported } = started;
    await server.stop();
    const recorder = startRecorder();
    recorder.record(onPod);
    await until(
      async () => reported.length,
      (length) => length === 1,
    );
    await recorder[Symbol.asyncDispose]();
    recorder.record(onPod);
    await server.start();
    assert.deepEqual(started.counts(), []);
  });

  it('never answers, a recorder that is disposed of still ends', async () => {
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

  it('has errors, an event is retried a limited number of times', async () => {
    await using started = await start();
    const { server, recorder, reported, refuse } = started;
    refuse({ status: 503, body: { message: 'busy' } });
    recorder.record(onPod);
    await until(
      async () => reported.join(' | '),
      (text) => text.includes('dropped'),
    );
    assert.equal(server.requests.length, 5);
    assert.match(reported.join(' | '), /^write event AttachFailed on Pod vm-a: 503: busy \| dropped 1$/);
  });

  it('refuses one event, that event is dropped and the next one is written', async () => {
    await using started = await start();
    const { server, recorder, reported, refuse, untilCounts } = started;
    refuse({ status: 422, body: { message: 'invalid' } });
    recorder.record(onPod);
    await until(
      async () => reported.join(' | '),
      (text) => text.includes('dropped'),
    );
    refuse(undefined);
    recorder.record(onNode('a'));
    await untilCounts(['a x1']);
    // The server counts the event before the recorder has its response.
    const all = await until(
      async () => reported.join(' | '),
      (text) => text.endsWith('well'),
    );
    assert.match(all, /^[^|]*422: invalid[^|]*\| dropped 1 \| well$/);
    assert.equal(server.requests.length, 2);
  });

  it('has just started and denies requests until it has read its roles, no event is lost', async () => {
    await using started = await start();
    const { recorder, reported, refuse, untilCounts } = started;
    for (const status of [401, 403]) {
      refuse({ status, body: { message: 'not yet' } });
      recorder.record(onPod);
      await until(
        async () => reported.at(-1) ?? '',
        (text) => text.includes(`${status}: not yet`),
      );
      refuse(undefined);
      await untilCounts([status === 401 ? 'no device x1' : 'no device x2']);
    }
    assert.ok(!reported.join().includes('dropped'), reported.join());
  });
});

describe('a flood of 10,000 events', () => {
  it('at once causes a limited number of requests, and recording does not wait for them', async () => {
    await using started = await start();
    const { server, recorder, reported } = started;
    for (let at = 0; at < 10_000; at += 1)
      recorder.record({ ...onPod, regarding: { ...onPod.regarding, name: `p${at}` } });
    assert.equal(server.requests.length, 0);
    await until(
      async () => reported.length,
      (length) => length === 1,
    );
    assert.deepEqual(reported, ['dropped 9500']);
    // The recorder may write 50 events at once, and then one more in each second of the test.
    assert.ok(server.requests.length >= 50 && server.requests.length < 100, `${server.requests.length}`);
  });
});
