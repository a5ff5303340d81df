// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallPace, shareCalls } from './share-calls.ts';

/** Shares a call that ends only when the test allows it. */
function stage(pace: CallPace = { calls: 1, ms: 0 }) {
  const begun: PromiseWithResolvers<number>[] = [];
  const scope = new AbortController();
  let together = 0;
  const calls = shareCalls(
    async () => {
      const result = Promise.withResolvers<number>();
      begun.push(result);
      together += 1;
      assert.equal(together, 1);
      return await result.promise.finally(() => {
        together -= 1;
      });
    },
    pace,
    scope.signal,
  );
  const nthBegun = async (n: number): Promise<PromiseWithResolvers<number>> => {
    for (;;) {
      const found = begun[n];
      if (found !== undefined) return found;
      await new Promise(setImmediate);
    }
  };
  return { calls, begun, scope, nthBegun };
}

test('simultaneous callers share a call', async () => {
  const { calls, begun, nthBegun } = stage();
  const wanted = Promise.all([calls.call(), calls.call(), calls.call()]);
  (await nthBegun(0)).resolve(1);
  assert.deepEqual(await wanted, [1, 1, 1]);
  assert.equal(begun.length, 1);
});

test('callers that arrive during a call share the next call, which begins when the first one has ended', async () => {
  const { calls, begun, nthBegun } = stage();
  const first = calls.call();
  const running = await nthBegun(0);
  const late = Promise.all([calls.call(), calls.call()]);
  assert.equal(begun.length, 1);
  running.resolve(1);
  assert.equal(await first, 1);
  (await nthBegun(1)).resolve(2);
  assert.deepEqual(await late, [2, 2]);
  assert.equal(begun.length, 2);
});

test('a failed call rejects for its callers, but not for the callers of the next call', async () => {
  const { calls, nthBegun } = stage();
  const failing = calls.call();
  (await nthBegun(0)).reject(new Error('refused'));
  await assert.rejects(failing, /refused/);
  const next = calls.call();
  (await nthBegun(1)).resolve(2);
  assert.equal(await next, 2);
});

test('no call begins after the signal has aborted', async () => {
  const { calls, begun, scope, nthBegun } = stage();
  const first = calls.call();
  const running = await nthBegun(0);
  const late = calls.call();
  scope.abort(new Error('over'));
  running.resolve(1);
  assert.equal(await first, 1);
  await assert.rejects(late, /over/);
  await calls.idle();
  assert.equal(begun.length, 1);
});

test('a caller whose signal aborts does not end the call for the others', async () => {
  const { calls, nthBegun } = stage();
  const impatient = new AbortController();
  const given = calls.call(impatient.signal);
  const other = calls.call();
  const running = await nthBegun(0);
  impatient.abort(new Error('no longer wanted'));
  await assert.rejects(given, /no longer wanted/);
  running.resolve(1);
  assert.equal(await other, 1);
});

test('after a quiet period, the first calls begin without a wait, and the next one waits', async () => {
  const { calls, begun, scope, nthBegun } = stage({ calls: 2, ms: 1_000_000 });
  for (const n of [0, 1]) {
    const wanted = calls.call();
    (await nthBegun(n)).resolve(n);
    assert.equal(await wanted, n);
  }
  const waiting = calls.call();
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  scope.abort(new Error('over'));
  await assert.rejects(waiting, /over/);
  assert.equal(begun.length, 2);
});

test('a single call begins at once if no other call is in progress, and not otherwise', async () => {
  const { calls, nthBegun } = stage();
  const answer = Promise.withResolvers<string>();
  const single = calls.single(() => answer.promise);
  assert.ok(single !== undefined);
  assert.equal(
    calls.single(async () => 'second'),
    undefined,
  );
  answer.resolve('first');
  assert.equal(await single, 'first');
  const shared = calls.call();
  const running = await nthBegun(0);
  assert.equal(
    calls.single(async () => 'during a shared call'),
    undefined,
  );
  running.resolve(1);
  assert.equal(await shared, 1);
});

test('a single call counts for the pace', async () => {
  const { calls, begun, scope } = stage({ calls: 1, ms: 1_000_000 });
  assert.equal(await calls.single(async () => 'first'), 'first');
  assert.equal(
    calls.single(async () => 'too early'),
    undefined,
  );
  const waiting = calls.call();
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  scope.abort(new Error('over'));
  await assert.rejects(waiting, /over/);
  assert.equal(begun.length, 0);
});
