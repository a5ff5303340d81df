// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isLegalResourceName, readCarrierLoss, readGracePeriod } from './resource.ts';

for (const name of ['a', 'Z9', 'eth0.100', 'a_b-c', 'x'.repeat(63)]) {
  it(`${name} is a legal resource name`, () => assert.ok(isLegalResourceName(name)));
}

for (const name of ['', '-a', 'a-', '.100', 'eth0.', 'a b', 'é', 'eth0@if5', 'a/b', 'a%', '"', 'a\n', 'x'.repeat(64)]) {
  it(`${JSON.stringify(name)} is not a legal resource name`, () => assert.ok(!isLegalResourceName(name)));
}

for (const [text, ms] of [
  ['0s', 0],
  ['30s', 30_000],
  ['5m', 300_000],
  ['9999h', 35_996_400_000],
] as const) {
  it(`the grace period ${text} is ${ms} ms`, () => assert.equal(readGracePeriod(text), ms));
}

for (const text of ['', 's', '30', '30ms', '1.5s', '-1s', ' 30s', '30s\n', '10000s', '1m30s', '٣s']) {
  it(`${JSON.stringify(text)} is not a grace period`, () => assert.equal(readGracePeriod(text), undefined));
}

it('a policy without onCarrierLoss, or with NoSchedule, has the default effect', () => {
  assert.equal(readCarrierLoss({}), undefined);
  assert.equal(readCarrierLoss({ onCarrierLoss: 'NoSchedule', carrierLossGracePeriod: '5m' }), undefined);
});

it('a policy with Evict has the grace period 30s unless it sets another one', () => {
  assert.deepEqual(readCarrierLoss({ onCarrierLoss: 'Evict' }), { action: 'Evict', graceMs: 30_000 });
  const spec = { onCarrierLoss: 'Evict', carrierLossGracePeriod: '0s' } as const;
  assert.deepEqual(readCarrierLoss(spec), { action: 'Evict', graceMs: 0 });
});
