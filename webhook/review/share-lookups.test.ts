// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Lookups } from '../../cluster/source.ts';
import { keepCounts } from '../../test/fixtures/webhook/keep-counts.ts';
import { until } from '../../test/process/until.ts';
import { createLookupBudget, shareLookups } from './share-lookups.ts';

const never = new AbortController().signal;
const requester = { client: '10.0.0.1', namespace: 'tenant' };
const longMs = 60_000;

/** Creates shared look-ups of namespaces that end when the test decides. All other look-ups fail at once. */
function stage({ deadlineMs = longMs, left = 1_000, low = 0 } = {}) {
  let nowMs = 0;
  const asked: { readonly name: string; readonly signal: AbortSignal; readonly end: PromiseWithResolvers<object> }[] =
    [];
  const lookups: Lookups = {
    network: async () => undefined,
    claim: async () => undefined,
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
  const budget = { isLow: () => left <= low, take: () => left > 0 && left-- > 0 };
  const shared = shareLookups({ lookups, recorder, deadlineMs, budget, nowMs: () => nowMs }).of(requester);
  const nth = async (n: number) =>
    (
      await until(
        async () => asked,
        ({ length }) => length > n,
      )
    )[n] as (typeof asked)[0];
  return { shared, asked, nth, events, pass: (ms: number) => (nowMs += ms) };
}

test('callers that look up the same object at the same time share one request', async () => {
  const { shared, asked, nth, events } = stage();
  const answers = Promise.all([1, 2, 3].map(() => shared.namespace('a', never)));
  (await nth(0)).end.resolve({ zone: '1' });
  assert.deepEqual(await answers, [{ zone: '1' }, { zone: '1' }, { zone: '1' }]);
  assert.equal(asked.length, 1);
  assert.deepEqual(events, ['lookup namespace found']);
});

test('a caller that arrives during a request waits for the next one, which may see a newer object', async () => {
  const { shared, asked, nth } = stage();
  const first = shared.namespace('a', never);
  const running = await nth(0);
  const late = [shared.namespace('a', never), shared.namespace('a', never)];
  await new Promise(setImmediate);
  assert.equal(asked.length, 1, 'two requests for the same object never run at once');
  running.end.resolve({ seen: 'before' });
  assert.deepEqual(await first, { seen: 'before' });
  (await nth(1)).end.resolve({ seen: 'after' });
  assert.deepEqual(await Promise.all(late), [{ seen: 'after' }, { seen: 'after' }]);
  assert.equal(asked.length, 2);
});

test('the next request is also made if the previous one fails', async () => {
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

test('look-ups of different objects do not wait for each other, and a missing object is not a failure', async () => {
  const { shared, nth, events } = stage();
  const slow = shared.namespace('a', never);
  assert.equal(await shared.network('n', 'x', never), undefined);
  (await nth(0)).end.resolve({});
  await slow;
  assert.deepEqual(events, ['lookup network absent', 'lookup namespace found']);
});

test('a caller stops waiting at its own deadline, and the others keep waiting', async () => {
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

test('a request that hangs fails at its own deadline, and its signal aborts', async () => {
  const { shared, asked, nth, events } = stage({ deadlineMs: 1 });
  await assert.rejects(shared.namespace('a', never), { code: 'LookupFailed', message: /not read in time/ });
  assert.equal(asked[0]?.signal.aborted, true);
  assert.deepEqual(events, ['lookup namespace failed']);
  const again = shared.namespace('a', never);
  (await nth(1)).end.resolve({});
  await again.catch(() => {});
});

test('a look-up that throws synchronously fails like any other', async () => {
  const { shared } = stage();
  await assert.rejects(shared.policies(never), {
    code: 'LookupFailed',
    message: /could not be read: connection refused/,
  });
  await assert.rejects(shared.policies(AbortSignal.abort()), { code: 'LookupFailed' });
});

test('without budget, a look-up fails at once, but a request that another caller paid for is shared', async () => {
  const { shared, nth, events } = stage({ left: 1 });
  const paid = shared.namespace('a', never);
  const joined = shared.namespace('a', never);
  await assert.rejects(shared.namespace('b', never), {
    code: 'LookupFailed',
    message: 'Namespace b was not looked up: admission requests cause too many look-ups; try again',
  });
  (await nth(0)).end.resolve({});
  assert.deepEqual(await Promise.all([paid, joined]), [{}, {}]);
  assert.deepEqual(events, ['lookup namespace limited', 'lookup namespace found']);
});

test('while the budget is low, a recent object is reused, and a recently missing one causes an error', async () => {
  const { shared, asked, nth, pass } = stage({ left: 3, low: 1 });
  const found = shared.namespace('a', never);
  (await nth(0)).end.resolve({ zone: '1' });
  await found;
  assert.equal(await shared.network('n', 'x', never), undefined);
  pass(1_000);
  assert.deepEqual(await shared.namespace('a', never), { zone: '1' });
  await assert.rejects(shared.network('n', 'x', never), {
    code: 'LookupFailed',
    message: /did not exist a moment ago/,
  });
  pass(1);
  const again = shared.namespace('a', never);
  (await nth(1)).end.resolve({ zone: '2' });
  assert.deepEqual([await again, asked.length], [{ zone: '2' }, 2]);
});

describe('the budget of look-ups', () => {
  const stage = () => {
    let nowMs = 0;
    const sizes = {
      all: { burst: 20, perSecond: 10 },
      client: { burst: 12, perSecond: 6 },
      namespace: { burst: 4, perSecond: 2 },
    };
    const budget = createLookupBudget(sizes, () => nowMs);
    const takeAll = (client: string, namespaces: readonly string[]) => {
      let taken = 0;
      for (const namespace of namespaces) while (budget.take({ client, namespace })) taken += 1;
      return taken;
    };
    return { budget, takeAll, pass: (ms: number) => (nowMs += ms) };
  };

  it('has a share for each namespace, so that one namespace cannot use up the share of the API server', () => {
    const { budget, takeAll, pass } = stage();
    assert.equal(takeAll('api', ['a']), 4);
    assert.equal(takeAll('api', ['b']), 4);
    assert.equal(takeAll('api', Array(20).fill('a')), 0, 'refused requests take nothing from the budget of others');
    assert.ok(takeAll('api', ['c']) > 0);
    assert.equal(budget.isLow({ client: 'api', namespace: 'a' }), true);
    pass(1_000);
    assert.equal(takeAll('api', ['a']), 2);
  });

  it('of a namespace cannot be used up by another client that names the namespace', () => {
    const { budget, takeAll } = stage();
    takeAll('stranger', ['a']);
    assert.equal(budget.take({ client: 'api', namespace: 'a' }), true);
  });

  it('has a share for each client, and reserves half of the total for clients with few look-ups', () => {
    const { budget, takeAll, pass } = stage();
    const many = Array.from({ length: 50 }, (_, index) => `n${index}`);
    assert.ok(takeAll('stranger', many) <= 12);
    assert.ok(takeAll('other', many) <= 12);
    assert.equal(
      budget.take({ client: 'api', namespace: 'tenant' }),
      true,
      'even if other clients use up their shares',
    );
    pass(1_000);
    takeAll('stranger', many);
    takeAll('other', many);
    assert.equal(budget.take({ client: 'api', namespace: 'tenant' }), true);
  });

  it('is full again after a while', () => {
    const { takeAll, pass } = stage();
    const first = takeAll('api', ['a', 'b', 'c']);
    pass(3_600_000);
    assert.equal(takeAll('api', ['a', 'b', 'c']), first);
  });
});
