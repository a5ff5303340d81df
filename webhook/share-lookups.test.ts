// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lookups } from '../cluster/lookups.ts';
import { keepCounts } from '../test/fixtures/webhook/keep-counts.ts';
import { until } from '../test/process/until.ts';
import { shareLookups } from './share-lookups.ts';

const never = new AbortController().signal;
const longMs = 60_000;

/** Look-ups of namespaces that end when the test says so; all else fails at once. */
function stage(deadlineMs = longMs) {
  const asked: { readonly name: string; readonly signal: AbortSignal; readonly end: PromiseWithResolvers<object> }[] =
    [];
  const lookups: Lookups = {
    network: async () => undefined,
    policies: () => {
      throw new Error('connection refused');
    },
    namespace: async (name, signal) => {
      const end = Promise.withResolvers<object>();
      asked.push({ name, signal, end });
      return (await end.promise) as Record<string, string>;
    },
  };
  const { recorder, events } = keepCounts();
  const shared = shareLookups({ lookups, recorder, deadlineMs });
  const nth = async (n: number) =>
    (
      await until(
        async () => asked,
        ({ length }) => length > n,
      )
    )[n] as (typeof asked)[0];
  return { shared, asked, nth, events };
}

test('those who ask for the same thing together share one request', async () => {
  const { shared, asked, nth, events } = stage();
  const answers = Promise.all([1, 2, 3].map(() => shared.namespace('a', never)));
  (await nth(0)).end.resolve({ zone: '1' });
  assert.deepEqual(await answers, [{ zone: '1' }, { zone: '1' }, { zone: '1' }]);
  assert.equal(asked.length, 1);
  assert.deepEqual(events, ['lookup namespace found']);
});

test('who comes while a request is under way gets the next one, which may see what that one could not', async () => {
  const { shared, asked, nth } = stage();
  const first = shared.namespace('a', never);
  const running = await nth(0);
  const late = [shared.namespace('a', never), shared.namespace('a', never)];
  await new Promise(setImmediate);
  assert.equal(asked.length, 1, 'never two at once for the same thing');
  running.end.resolve({ seen: 'before' });
  assert.deepEqual(await first, { seen: 'before' });
  (await nth(1)).end.resolve({ seen: 'after' });
  assert.deepEqual(await Promise.all(late), [{ seen: 'after' }, { seen: 'after' }]);
  assert.equal(asked.length, 2);
});

test('the next request is made also when the one before fails', async () => {
  const { shared, nth, events } = stage();
  const first = shared.namespace('a', never);
  const running = await nth(0);
  const late = shared.namespace('a', never);
  running.end.reject(new Error('reset'));
  await assert.rejects(first, { code: 'LookupFailed', message: 'Namespace a could not be read: reset; try again' });
  (await nth(1)).end.resolve({});
  assert.deepEqual(await late, {});
  assert.deepEqual(events, ['lookup namespace failed', 'lookup namespace found']);
});

test('different things do not wait for each other, and an absent one is no failure', async () => {
  const { shared, nth, events } = stage();
  const slow = shared.namespace('a', never);
  assert.equal(await shared.network('n', 'x', never), undefined);
  (await nth(0)).end.resolve({});
  await slow;
  assert.deepEqual(events, ['lookup network absent', 'lookup namespace found']);
});

test('a caller whose deadline comes stops waiting; the others do not', async () => {
  const { shared, nth } = stage();
  const patient = shared.namespace('a', never);
  const hurried = new AbortController();
  const impatient = shared.namespace('a', hurried.signal);
  const running = await nth(0);
  hurried.abort();
  await assert.rejects(impatient, { code: 'LookupFailed', message: 'Namespace a was not read in time; try again' });
  await assert.rejects(shared.namespace('a', AbortSignal.abort()), { code: 'LookupFailed' });
  running.end.resolve({});
  assert.deepEqual(await patient, {});
});

test('a request that hangs is given up at its own deadline, and told so to the one who was asked', async () => {
  const { shared, asked, nth, events } = stage(1);
  await assert.rejects(shared.namespace('a', never), { code: 'LookupFailed', message: /not read in time/ });
  assert.equal(asked[0]?.signal.aborted, true);
  assert.deepEqual(events, ['lookup namespace failed']);
  const again = shared.namespace('a', never);
  (await nth(1)).end.resolve({});
  await again.catch(() => {});
});

test('one that throws at once fails like any other', async () => {
  const { shared } = stage();
  await assert.rejects(shared.policies(never), {
    code: 'LookupFailed',
    message: /could not be read: connection refused/,
  });
  await assert.rejects(shared.policies(AbortSignal.abort()), { code: 'LookupFailed' });
});
