// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { downgradeExistingErrors } from './downgrade-existing-errors.ts';
import { deny, warn } from './reasons.ts';

const fault = (path: string, detail = 'mtu 1') => deny('IllegalMtu', path, detail);
const severities = (...args: Parameters<typeof downgradeExistingErrors>) =>
  downgradeExistingErrors(...args).map(({ severity }) => severity);

describe('an error of an object after an update', () => {
  it('is a warning where it was there before, however the items of a list moved', () => {
    assert.deepEqual(downgradeExistingErrors([fault('a[1].b[0]')], [fault('a[0].b[3]')]), [
      warn('IllegalMtu', 'a[1].b[0]', 'mtu 1'),
    ]);
  });

  it('is refused where its value, its field or its code is another', () => {
    const before = [fault('a[0].mtu')];
    assert.deepEqual(severities([fault('a[0].mtu', 'mtu 2')], before), ['deny']);
    assert.deepEqual(severities([fault('b[0].mtu')], before), ['deny']);
    assert.deepEqual(severities([deny('IllegalMac', 'a[0].mtu', 'mtu 1')], before), ['deny']);
  });

  it('is refused as far as there are more of it than before, which is not those that did not move', () => {
    const two = [fault('a[0]'), fault('a[1]')];
    assert.deepEqual(severities(two, [fault('a[1]')]), ['deny', 'warn']);
    assert.deepEqual(severities(two, [fault('a[7]')]), ['warn', 'deny']);
    assert.deepEqual(severities(two, [fault('a[1]'), fault('a[2]')]), ['warn', 'warn']);
    assert.deepEqual(severities([two[0] as (typeof two)[0]], two), ['warn']);
  });

  it('is found again among a hundred thousand', () => {
    const many = (shift: number) => Array.from({ length: 100_000 }, (_, index) => fault(`a[${index + shift}]`));
    assert.ok(downgradeExistingErrors(many(1), many(0)).every(({ severity }) => severity === 'warn'));
  });

  it('is identified by the keys of labels, also by numeric ones', () => {
    assert.deepEqual(severities([fault('spec.matchLabels[1]')], [fault('spec.matchLabels[2]')]), ['deny']);
  });

  it('stays a warning where it is one, and is nothing where nothing is wrong', () => {
    assert.deepEqual(severities([warn('IllegalMtu', 'a', 'b')], []), ['warn']);
    assert.deepEqual(severities([], [fault('a')]), []);
  });
});
