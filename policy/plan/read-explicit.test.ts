// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readExplicit } from './read-explicit.ts';

describe('the explicit configuration', () => {
  for (const text of ['', '  \n', '[]', 'null']) {
    it(`is absent where the text is ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readExplicit(text), { entries: [] });
    });
  }

  const faulty = [
    '{',
    '[',
    '{}',
    '"eth0"',
    '7',
    '[1]',
    '[null]',
    '[[]]',
    '[{"name":1}]',
    '[{"capacity":"5"}]',
    '[{"capacity":1.5}]',
  ];
  for (const text of faulty) {
    it(`cannot be read where the text is ${text}`, () => {
      assert.ok('fault' in readExplicit(text));
    });
  }

  it('has a mode of bridge and a capacity of 100 where it says neither', () => {
    assert.deepEqual(readExplicit('[{"name":"a","lowerDevice":"eth0"}]'), {
      entries: [{ index: 0, name: 'a', lowerDevice: 'eth0', mode: 'bridge', value: '', quantity: 100 }],
    });
  });

  for (const [capacity, quantity] of [
    [-5, 100],
    [0, 100],
    [null, 100],
    [1, 1],
    [5000, 5000],
  ] as const) {
    it(`reads a capacity of ${capacity} as ${quantity}`, () => {
      const config = readExplicit(JSON.stringify([{ name: 'a', lowerDevice: 'b', capacity }]));
      assert.deepEqual('entries' in config && config.entries.map((entry) => entry.quantity), [quantity]);
    });
  }

  it('matches keys in any case and passes over those it does not know', () => {
    const config = readExplicit('[{"NAME":"a","LowerDEVICE":"eth0","Mode":"vepa","capacity":3,"__proto__":{},"x":1}]');
    assert.deepEqual(config, {
      entries: [{ index: 0, name: 'a', lowerDevice: 'eth0', mode: 'vepa', value: 'vepa', quantity: 3 }],
    });
  });

  it('keeps the text of a mode that it does not know', () => {
    const config = readExplicit('[{"name":"a","lowerDevice":"eth0","mode":"Bridge"}]');
    assert.deepEqual('entries' in config && config.entries.map(({ mode, value }) => [mode, value]), [
      [undefined, 'Bridge'],
    ]);
  });
});
