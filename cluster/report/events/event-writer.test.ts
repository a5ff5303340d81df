// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { createMetrics } from '../../../runtime/metrics.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { EventWrite } from './event-book.ts';
import { clipNote, countEvents, countWrites, eventMetrics, nameEvent } from './event-writer.ts';

const event: ClusterEvent = {
  type: 'Warning',
  reason: 'AttachFailed',
  action: 'ADD',
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a', uid: 'uid-a' },
  note: 'no device',
};

describe("an event's name", () => {
  it('is the same for equal events', () => {
    assert.equal(nameEvent('a', event), nameEvent('a', structuredClone(event)));
  });

  it('differs if source, object, reason, action or text differ', () => {
    const others: readonly (readonly [string, ClusterEvent])[] = [
      ['b', event],
      ['a', { ...event, type: 'Normal' }],
      ['a', { ...event, reason: 'AttachmentLost' }],
      ['a', { ...event, action: 'DEL' }],
      ['a', { ...event, note: 'another' }],
      ['a', { ...event, regarding: { ...event.regarding, namespace: 'other' } }],
      ['a', { ...event, regarding: { ...event.regarding, uid: 'uid-b' } }],
    ];
    const names = [nameEvent('a', event), ...others.map(([component, other]) => nameEvent(component, other))];
    assert.equal(new Set(names).size, names.length);
  });

  it("is valid for any length of the object's name, wherever that name is cut", () => {
    for (const name of ['a'.repeat(253), `${'a'.repeat(235)}.b`, `${'a'.repeat(235)}-.-b`]) {
      const made = nameEvent('a', { ...event, regarding: { ...event.regarding, name } });
      assert.match(made, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      assert.ok(made.length <= 253, made);
    }
  });
});

describe('the text of an event', () => {
  it('that fits stays unchanged', () => {
    assert.equal(clipNote('a'.repeat(1_024)), 'a'.repeat(1_024));
  });

  for (const [what, text] of [
    ['letters', 'a'.repeat(1_025)],
    ['characters of three bytes', '€'.repeat(600)],
    ['characters of four bytes', `a${'😀'.repeat(600)}`],
  ] as const) {
    it(`that is too long is cut between ${what}, and marked as cut`, () => {
      const note = clipNote(text);
      const bytes = Buffer.byteLength(note);
      assert.ok(bytes <= 1_024 && bytes > 1_016, `${bytes}`);
      assert.ok(note.endsWith('…') && note.isWellFormed());
      assert.ok(text.startsWith(note.slice(0, -1)));
    });
  }

  it('is one line without lone surrogates', () => {
    assert.equal(clipNote('one\r\n\ttwo\0 \ud800\n'), 'one two  �');
    assert.equal(
      clipNote('eth0\u202egnp'),
      'eth0\\u202egnp',
      'characters that change the direction of text are escaped',
    );
  });
});

const write = {} as EventWrite;
const { signal } = new AbortController();

test('exactly the metrics of the table are registered with their help texts, and counters start at 0', async () => {
  const metrics = createMetrics();
  const count = countEvents(metrics);
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), eventMetrics);
  count('dropped', 3);
  const text = await metrics.metrics();
  for (const line of ['{outcome="written"} 0', '{outcome="failed"} 0', '{outcome="dropped"} 3']) {
    assert.ok(text.includes(`kube_macvtap_events_total${line}\n`), line);
  }
});

test('a write is counted by its outcome, and an aborted write is not counted', async () => {
  const reported: string[] = [];
  const count = (outcome: string, times: number) => void reported.push(`${outcome} ${times}`);
  assert.equal(await countWrites({ write: async () => 7 }, count).write(write, signal), 7);
  const failing = countWrites({ write: () => Promise.reject(new Error('no')) }, count);
  await assert.rejects(failing.write(write, signal), /no/);
  await assert.rejects(failing.write(write, AbortSignal.abort()), /no/);
  assert.deepEqual(reported, ['written 1', 'failed 1']);
});
