// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { downgradeExistingErrors } from './downgrade-existing-errors.ts';
import { deny, warn } from './reasons.ts';

const fault = (path: string, detail = 'mtu 1') => deny('IllegalMtu', path, detail);
const severities = (...args: Parameters<typeof downgradeExistingErrors>) =>
  downgradeExistingErrors(...args).map(({ severity }) => severity);

describe('an error of an object after an update', () => {
  it('is a warning if the old object had it, even if the item moved within its list', () => {
    assert.deepEqual(downgradeExistingErrors([fault('a[1].b[0]')], [fault('a[0].b[3]')]), [
      warn('IllegalMtu', 'a[1].b[0]', 'mtu 1'),
    ]);
  });

  it('is denied if its value, field or code differs from the old error', () => {
    const before = [fault('a[0].mtu')];
    assert.deepEqual(severities([fault('a[0].mtu', 'mtu 2')], before), ['deny']);
    assert.deepEqual(severities([fault('b[0].mtu')], before), ['deny']);
    assert.deepEqual(severities([deny('IllegalMac', 'a[0].mtu', 'mtu 1')], before), ['deny']);
  });

  it('is denied for each additional occurrence; the occurrence at the old path stays a warning', () => {
    const two = [fault('a[0]'), fault('a[1]')];
    assert.deepEqual(severities(two, [fault('a[1]')]), ['deny', 'warn']);
    assert.deepEqual(severities(two, [fault('a[7]')]), ['warn', 'deny']);
    assert.deepEqual(severities(two, [fault('a[1]'), fault('a[2]')]), ['warn', 'warn']);
    assert.deepEqual(severities([two[0] as (typeof two)[0]], two), ['warn']);
  });

  it('is a warning for each of a hundred thousand moved errors', () => {
    const many = (shift: number) => Array.from({ length: 100_000 }, (_, index) => fault(`a[${index + shift}]`));
    assert.ok(downgradeExistingErrors(many(1), many(0)).every(({ severity }) => severity === 'warn'));
  });

  it('is a different error under another label key, even if the keys are numeric', () => {
    assert.deepEqual(severities([fault('spec.matchLabels[1]')], [fault('spec.matchLabels[2]')]), ['deny']);
  });

  it('stays a warning if it was one; an object without errors has none', () => {
    assert.deepEqual(severities([warn('IllegalMtu', 'a', 'b')], []), ['warn']);
    assert.deepEqual(severities([], [fault('a')]), []);
  });
});
