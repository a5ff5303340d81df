// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodyBudget } from './body-budget.ts';

describe('the budget of bodies in flight', () => {
  const stage = () => {
    const budget = createBodyBudget({ bytes: 100, clientBytes: 60 });
    const dropped: string[] = [];
    const reserve = (name: string, bytes: number) => {
      const share = budget.reserve(name[0] as string, bytes);
      if (share !== undefined) share.onDrop = () => void dropped.push(name);
      return share;
    };
    return { budget, dropped, reserve };
  };

  it('drops the oldest incomplete body of a client that exceeds its share', () => {
    const { budget, dropped, reserve } = stage();
    for (const name of ['a1', 'a2', 'a3']) assert.ok(reserve(name, 20));
    assert.ok(reserve('b1', 20));
    assert.ok(reserve('a4', 30));
    assert.deepEqual([dropped, budget.used], [['a1', 'a2'], 70]);
  });

  it('drops bodies of the client that uses the most for a client that uses less, but not the reverse', () => {
    const { budget, dropped, reserve } = stage();
    for (const name of ['a1', 'a2', 'b1', 'b2']) assert.ok(reserve(name, 25));
    assert.ok(reserve('c1', 10));
    assert.deepEqual(dropped, ['a1']);
    assert.ok(reserve('c2', 15));
    assert.ok(reserve('c3', 10));
    assert.deepEqual(dropped, ['a1', 'b1']);
    assert.equal(reserve('d1', 60), undefined, 'no other client uses as much');
    assert.deepEqual([dropped, budget.used], [['a1', 'b1'], 85]);
  });

  it('drops a complete body only for another client, after incomplete ones, and never under review', () => {
    const { dropped, reserve } = stage();
    const shares = ['a1', 'a2', 'a3', 'a4'].map((name) => reserve(name, 15));
    shares[0]?.complete();
    shares[0]?.keep();
    shares[1]?.complete();
    shares[2]?.complete();
    assert.ok(reserve('a5', 15));
    assert.deepEqual(dropped, ['a4']);
    assert.equal(reserve('a6', 30), undefined);
    assert.deepEqual(dropped, ['a4', 'a5']);
    assert.ok(reserve('b1', 40));
    assert.ok(reserve('c1', 30));
    assert.deepEqual(dropped, ['a4', 'a5', 'a3']);
  });

  it('counts a body as it grows, and releases its bytes only once', () => {
    const { budget, dropped, reserve } = stage();
    const share = reserve('a1', 0);
    assert.equal(share?.grow(60), true);
    assert.equal(share?.grow(1), false, 'a body does not displace itself');
    assert.deepEqual([dropped, budget.used], [[], 60]);
    share?.release();
    share?.release();
    assert.equal(budget.used, 0);
    const dead = reserve('b1', 60);
    reserve('b2', 60);
    assert.deepEqual([dropped, dead?.grow(1)], [['b1'], false]);
  });
});
