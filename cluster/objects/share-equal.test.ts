// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharer } from './share-equal.ts';

const skipped = (by: string) => ({ name: 'ens3', by, code: 'Shadowed' });

test('of equal values the first stands for all, and each stays what it says', () => {
  const sharer = createSharer(100);
  const first = skipped('ens1');
  assert.equal(sharer.value(first), first);
  assert.equal(sharer.value(skipped('ens1')), first);
  assert.deepEqual(sharer.value(skipped('ens2')), skipped('ens2'));
  for (const value of ['text', 7, true, null, [], {}]) assert.deepEqual(sharer.value(value), value);
  assert.notEqual(sharer.value('7'), sharer.value(7));
});

test('lists with equal items are one, and lists with some of them share those', () => {
  const sharer = createSharer(100);
  const list = sharer.list([skipped('ens1'), skipped('ens2')]);
  assert.deepEqual(list, [skipped('ens1'), skipped('ens2')]);
  assert.equal(sharer.list([skipped('ens1'), skipped('ens2')]), list);
  const other = sharer.list([skipped('ens2')]);
  assert.deepEqual(other, [skipped('ens2')]);
  assert.equal(other[0], list[1]);
  assert.deepEqual(sharer.list([skipped('ens2'), skipped('ens1')]), [skipped('ens2'), skipped('ens1')]);
  assert.deepEqual(sharer.list([]), []);
});

test('no more is remembered than the limit, and what comes after it is right all the same', () => {
  const sharer = createSharer(3);
  const early = sharer.value(skipped('ens0'));
  for (let index = 1; index < 50; index += 1) {
    const by = `ens${index}`;
    assert.deepEqual(sharer.value(skipped(by)), skipped(by));
    assert.deepEqual(sharer.list([skipped(by), by]), [skipped(by), by]);
  }
  assert.notEqual(sharer.value(skipped('ens0')), early);
});
