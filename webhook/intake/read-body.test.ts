// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createBodyBudget } from './body-budget.ts';
import { usualLimits } from './limits.ts';
import { hasMoreValues, parseBody, type ReadBody, readBody } from './read-body.ts';

test('a complete body is in memory only once, also while its request is open', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const source = new PassThrough();
  const send = (text: string): WeakRef<Buffer> => {
    const chunk = Buffer.from(text.repeat(100_000));
    source.write(chunk);
    return new WeakRef(chunk);
  };
  const done = Promise.withResolvers<ReadBody | undefined>();
  const options = {
    source,
    length: undefined,
    client: 'a',
    budget: createBodyBudget(usualLimits),
    limits: usualLimits,
  };
  readBody(options, (_error, read) => done.resolve(read));
  const chunks = [send('a'), send('b')];
  source.end();
  assert.equal((await done.promise)?.body.length, 200_000);
  // A WeakRef keeps its object until the current job is over.
  await sleep(0);
  collectGarbage();
  assert.deepEqual(
    chunks.map((chunk) => chunk.deref() === undefined),
    [true, true],
  );
  assert.ok(source.listenerCount('data') > 0, 'the request is still open');
});

test('a body is parsed as JSON without any change', () => {
  const body = { a: [1, 'two', null, { constructor: { prototype: {} } }], 'a.__proto__': 1, text: '"__proto__":' };
  assert.deepEqual(parseBody(JSON.stringify(body)), body);
  for (const broken of ['', ' ', '{', '\ufeff{}', '{"a":1,}', 'nonsense', '[1', '// x\n{}']) {
    assert.throws(() => parseBody(broken), SyntaxError, broken);
  }
});

test('keys named __proto__ are removed at every depth and in every spelling', () => {
  for (const key of ['__proto__', '\\u005f_proto\\u005F_', '__\\u0070\\u0072\\u006f\\u0074\\u006F__']) {
    const parsed = parseBody(`{"a":[{"${key}":{"polluted":true},"b":1}],"${key}":{"polluted":true}}`);
    assert.deepEqual(parsed, { a: [{ b: 1 }] });
    assert.equal(JSON.stringify(parsed), '{"a":[{"b":1}]}');
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('a body 20,000 levels deep, or with a list of a million items, is parsed', () => {
  const depth = 20_000;
  parseBody(`${'['.repeat(depth)}{"__proto__":1}${']'.repeat(depth)}`);
  parseBody(`{"__proto__":1,"list":[${'0,'.repeat(1_000_000)}0]}`);
});

test('the values of a body are counted without parsing, and characters inside strings do not count', () => {
  const cases: readonly [text: string, most: number][] = [
    ['1', 1],
    ['[]', 2],
    ['[1,2,3]', 4],
    ['{"a":{"b":[1]}}', 6],
    ['"a,b:[{\\",c\\\\"', 1],
    [',,,', 4],
    ['"never ends,,,', 1],
  ];
  for (const [text, most] of cases) {
    assert.deepEqual(
      [hasMoreValues(Buffer.from(text), most), hasMoreValues(Buffer.from(text), most - 1)],
      [false, true],
    );
  }
});
