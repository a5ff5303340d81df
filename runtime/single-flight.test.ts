// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSingleFlight } from './single-flight.ts';

/** Creates calls that end when the test decides. */
function stage(rest?: () => Promise<void>) {
  const flight = createSingleFlight<number>(rest);
  const begun: { readonly key: string; readonly result: PromiseWithResolvers<number> }[] = [];
  const call = (key: string) =>
    flight.call(key, () => {
      const result = Promise.withResolvers<number>();
      begun.push({ key, result });
      return result.promise;
    });
  return { flight, begun, call };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('concurrent calls with the same key become one call', async () => {
  const { begun, call } = stage();
  const all = Promise.all([call('a'), call('a')]);
  await turn();
  assert.equal(begun.length, 1);
  begun[0]?.result.resolve(1);
  assert.deepEqual(await all, [1, 1]);
});

test('a call that arrives while another one runs starts after that one has ended or failed', async () => {
  const { begun, call, flight } = stage();
  const first = call('a');
  await turn();
  assert.equal(flight.waiting('a'), undefined);
  const second = call('a');
  assert.equal(flight.waiting('a'), second);
  await turn();
  assert.equal(begun.length, 1);
  begun[0]?.result.reject(new Error('refused'));
  await assert.rejects(first, /refused/);
  await turn();
  begun[1]?.result.resolve(2);
  assert.equal(await second, 2);
});

test('different keys do not wait for each other', async () => {
  const { begun, call } = stage();
  const all = Promise.all([call('a'), call('b')]);
  await turn();
  assert.deepEqual(
    begun.map(({ key }) => key),
    ['a', 'b'],
  );
  for (const { result } of begun) result.resolve(1);
  await all;
});

test('a call that throws synchronously rejects, and the next one starts', async () => {
  const { flight } = stage();
  const failing = flight.call('a', () => {
    throw new Error('at once');
  });
  await assert.rejects(failing, /at once/);
  assert.equal(await flight.call('a', async () => 2), 2);
});

test('`rest` runs between two calls with the same key', async () => {
  const rest = Promise.withResolvers<void>();
  const { begun, call, flight } = stage(() => rest.promise);
  const first = call('a');
  await turn();
  begun[0]?.result.resolve(1);
  await first;
  void call('a').catch(() => undefined);
  await turn();
  assert.equal(begun.length, 1);
  rest.resolve();
  await turn();
  begun[1]?.result.resolve(2);
  await flight.idle('a');
  assert.equal(begun.length, 2);
});
