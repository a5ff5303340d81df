// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { keepLog } from '../../../test/fixtures/webhook/keep-log.ts';
import { until } from '../../../test/process/until.ts';
import { aboutNode, type ClusterEvent } from './cluster-event.ts';
import { openEventRecorder } from './open-recorder.ts';

const source = { component: 'kube-macvtap-nodeplugin', instance: 'h1' };
const event: ClusterEvent = {
  ...{ type: 'Warning', reason: 'ParentVanished', action: 'Expose', regarding: aboutNode('h1') },
  note: 'parent eth1 is not there any more',
};

it('where objects come from a directory, an event is a line of the log, at its level', async () => {
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

it('where they come from a cluster, it is written there, and the log tells once that it cannot be', async () => {
  await using server = await startApiServer();
  const { log, lines } = keepLog();
  using client = connectStandIn(server);
  await using recorder = openEventRecorder({ kind: 'cluster', client, mostMatched: undefined }, source, log);
  server.intercept(() => ({ status: 403, body: { message: 'no right' } }));
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
    (messages) => messages.at(-1) === 'events are written',
  );
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    [
      'warn: an event is not written',
      'warn: events were dropped: too many, too old, or refused',
      'info: events are written',
    ],
  );
});
