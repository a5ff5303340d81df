// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSameSpec } from './is-same-spec.ts';

const isSame = (left: unknown, right: unknown) => {
  const forth = isSameSpec({ spec: left }, { spec: right });
  assert.equal(isSameSpec({ spec: right }, { spec: left }), forth);
  return forth;
};

describe('what a policy says is the same', () => {
  it('whatever the order of its keys', () => {
    assert.ok(isSame({ a: 1, b: { c: [1, null], d: 'x' } }, { b: { d: 'x', c: [1, null] }, a: 1 }));
    assert.ok(isSame(undefined, undefined));
    assert.ok(isSameSpec({ metadata: { labels: { a: 'b' } }, spec: {} }, { metadata: {}, spec: {} }));
    assert.ok(isSameSpec(5, null));
  });

  it('as deep as it may be', () => {
    const deep = () => JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    assert.ok(isSame(deep(), deep()));
    assert.ok(!isSame(deep(), [deep()]));
  });
});

it('what a policy says differs by any value, key, length, order of a list or type', () => {
  for (const [left, right] of [
    [1, 2],
    [1, '1'],
    [true, 'true'],
    [{ a: null }, {}],
    [{ a: undefined }, { b: undefined }],
    [{ toString: 1 }, { a: 1 }],
    [[], {}],
    [[1], [1, 2]],
    [
      [1, 2],
      [2, 1],
    ],
    [null, {}],
    [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }],
  ]) {
    assert.ok(!isSame(left, right), JSON.stringify([left, right]));
  }
});
