// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepCounts } from '../../test/fixtures/webhook/keep-counts.ts';
import { keepLog } from '../../test/fixtures/webhook/keep-log.ts';
import { createWebhookLog } from './webhook-log.ts';

/** Returns a source whose problems the test sets. */
function changingFaults<Fault>(first: Fault) {
  let faults: readonly Fault[] = [first];
  const listeners = new Set<() => void>();
  const source = {
    get faults() {
      return faults;
    },
    get problems() {
      return faults;
    },
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const change = (...next: typeof faults) => {
    faults = next;
    for (const listener of listeners) listener();
  };
  return { source, change, listeners };
}

test('a problem of the source is logged when it begins, when it ends, and when it returns', () => {
  const { log, lines } = keepLog();
  const { source, change, listeners } = changingFaults({ where: 'a.yaml', message: 'broken' });
  const told = () =>
    lines.map(
      ({ level, fields }) => `${fields.where} ${level === 'warn' ? fields.fault : `no longer ${fields.fault}`}`,
    );
  const following = createWebhookLog(log, keepCounts().recorder).sourceFaults(source);
  assert.deepEqual(told(), ['a.yaml broken']);
  change({ where: 'a.yaml', message: 'broken' }, { where: 'b.yaml', message: 'broken' });
  change();
  change({ where: 'a.yaml', message: 'broken' });
  assert.deepEqual(told(), [
    'a.yaml broken',
    'b.yaml broken',
    'a.yaml no longer broken',
    'b.yaml no longer broken',
    'a.yaml broken',
  ]);
  following[Symbol.dispose]();
  assert.equal(listeners.size, 0);
});

test('a problem of the certificate is counted, and logged when it begins (with its code) and when it ends', () => {
  const { log, lines } = keepLog();
  const { recorder, events } = keepCounts();
  const fault = { code: 'BundleNotPublished', message: 'patch refused: 403' };
  const { source, change } = changingFaults(fault);
  using _following = createWebhookLog(log, recorder).certificateProblems(source);
  change(fault);
  change();
  const fields = { code: fault.code, fault: fault.message };
  assert.deepEqual(lines, [
    { level: 'warn', message: 'the certificate needs attention', fields },
    { level: 'info', message: 'problem of the certificate resolved', fields },
  ]);
  assert.deepEqual(events, ['certificate faults 1', 'certificate faults 1', 'certificate faults 0']);
});

test('each step of the shared certificate is one line with its serial number and expiry, except `serve`', () => {
  const { log, lines } = keepLog();
  const { certificateStep } = createWebhookLog(log, keepCounts().recorder);
  const pair = { serial: '0A', notAfterMs: 0 };
  const steps = ['create', 'publish-next', 'switch', 'restore', 'keep-authority', 'drop', 'publish'];
  for (const what of ['serve', ...steps]) certificateStep({ what, pair });
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    steps.map((step) => ({ step, serial: '0A', notAfter: '1970-01-01T00:00:00.000Z' })),
  );
  assert.deepEqual(new Set(lines.map(({ message }) => message)).size, 1);
  certificateStep({ what: 'drop', pair: undefined });
  assert.deepEqual(lines.at(-1)?.fields, { step: 'drop' });
});
