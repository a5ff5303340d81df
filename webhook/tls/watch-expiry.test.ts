// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryEvents, type Validity, watchExpiry } from './follow-certificate.ts';

const dayMs = 24 * 3_600_000;

test('a certificate with less than a tenth of its validity left is overdue until another one is in use', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 0 });
  const told: Validity[] = [];
  let changes = 0;
  using expiry = watchExpiry({ onOverdue: (certificate) => void told.push(certificate) });
  using _changes = expiry.onChange(() => {
    changes += 1;
  });
  t.mock.timers.tick(dayMs);
  assert.deepEqual([expiry.overdue, told, changes], [undefined, [], 0], 'no certificate is in use');

  const first = { startsMs: 0, expiresMs: 100 * dayMs };
  expiry.served(first);
  t.mock.timers.tick(89 * dayMs);
  assert.deepEqual([expiry.overdue, told, changes], [undefined, [], 0]);
  t.mock.timers.tick(2 * 3_600_000);
  assert.deepEqual([expiry.overdue, told, changes], [first, [first, first], 1]);

  expiry.served({ startsMs: 0, expiresMs: 1_000 * dayMs });
  t.mock.timers.tick(dayMs);
  assert.deepEqual([expiry.overdue, told.length, changes], [undefined, 2, 2]);
  expiry.served({ startsMs: 0, expiresMs: dayMs });
  assert.deepEqual([told.length, changes], [3, 3], 'an expired certificate is reported at once');
});

test('the event is about the Service, and has the expiry time; another certificate causes a new event', () => {
  const service = { namespace: 'macvtap-cni', name: 'kube-macvtap-webhook' };
  assert.deepEqual(expiryEvents(service, undefined), []);
  const [standing] = expiryEvents(service, { startsMs: 0, expiresMs: dayMs });
  const [other] = expiryEvents(service, { startsMs: 0, expiresMs: 2 * dayMs });
  assert.notEqual(standing?.key, other?.key);
  assert.deepEqual(standing?.event.regarding, { apiVersion: 'v1', kind: 'Service', ...service });
  assert.deepEqual([standing.event.type, standing.event.reason], ['Warning', 'CertificateNotRenewed']);
  assert.match(standing.event.note, /1970-01-02T00:00:00.000Z.*the webhook's log has the reason/);
});
