// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edit } from '../../policy/json.ts';
import { deny, type Verdict, warn } from '../../policy/reasons.ts';
import { type Endpoint, readTimeouts, reviewDeadlines, tryMutation } from './endpoint.ts';
import { findReview } from './envelope.ts';

interface Thing {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly size?: number;
}

const thing: Thing = { metadata: {}, size: 1 };
const tellNothing = () => [];
const refuseTwo = ({ size }: Thing): readonly Verdict[] => (size === 2 ? [deny('BadLabel', 'size', '2')] : []);

function mutation(...edits: readonly Edit[]) {
  return { edits, verdicts: [warn('BadLabel', 'a', 'b')] };
}

test('without an edit there is no patch, and nothing is reviewed', () => {
  const judged = tryMutation(thing, mutation(), () => assert.fail('reviewed'));
  assert.deepEqual(judged, { verdicts: mutation().verdicts });
});

test('the patch is applied to a copy, and the copy is reviewed; the object itself is unchanged', () => {
  const edit = { op: 'add', path: '/metadata/annotations', value: { a: 'b' } } as const;
  const before = structuredClone(thing);
  const seen: Thing[] = [];
  const judged = tryMutation(thing, mutation(edit), (object) => {
    seen.push(object);
    return [];
  });
  assert.deepEqual(seen, [{ metadata: { annotations: { a: 'b' } }, size: 1 }]);
  assert.deepEqual(thing, before);
  assert.deepEqual(judged.edits, [edit]);
});

test('a patch that does not apply is a bug, reported with its paths', () => {
  for (const edit of [
    { op: 'add', path: '/metadata/annotations/a', value: 'b' },
    { op: 'replace', path: '/absent', value: 1 },
    { op: 'add', path: 'no-pointer', value: 1 },
  ] as const) {
    assert.throws(() => tryMutation(thing, mutation(edit), tellNothing), {
      code: 'Unexpected',
      message: RegExp(edit.path),
    });
  }
});

test('a patch that makes a valid object invalid is a bug', () => {
  const edit = { op: 'replace', path: '/size', value: 2 } as const;
  assert.throws(() => tryMutation(thing, mutation(edit), refuseTwo), {
    code: 'Unexpected',
    message: /makes a valid object invalid: BadLabel size/,
  });
});

test('an invalid object is also patched, because validation reports its errors', () => {
  const edit = { op: 'add', path: '/metadata/annotations', value: {} } as const;
  assert.deepEqual(tryMutation({ metadata: {}, size: 2 }, mutation(edit), refuseTwo).edits, [edit]);
});

test('a warning about the result is not an error', () => {
  const edit = { op: 'add', path: '/size', value: 3 } as const;
  assert.deepEqual(tryMutation(thing, mutation(edit), () => [warn('BadLabel', '', '')]).edits, [edit]);
});

test('the answer is due after half of the timeout, and look-ups end then, or after 1 s if that is earlier', () => {
  const cases: Readonly<Record<string, readonly [lookupMs: number, answerMs: number]>> = {
    '10s': [1_000, 5_000],
    '1s': [500, 500],
    '500ms': [250, 250],
    '1m0s': [1_000, 30_000],
    '1.5s': [750, 750],
    '0.5s': [250, 250],
    '1h1m1s': [1_000, 1_830_500],
  };
  for (const [timeout, [lookupMs, answerMs]] of Object.entries(cases)) {
    assert.deepEqual(readTimeouts(timeout), { lookupMs, answerMs }, timeout);
  }
});

test('an invalid timeout counts as the default of 10 s', () => {
  for (const odd of [undefined, '', '0s', '-1s', '10', 's', '1e9s', ['1s', '2s'], {}, 7, '9'.repeat(99)]) {
    assert.deepEqual(readTimeouts(odd), { lookupMs: 1_000, answerMs: 5_000 });
  }
});

test('all calls of lookups() return the same signal', () => {
  const { lookups } = reviewDeadlines('10s', performance.now());
  assert.equal(lookups(), lookups());
  assert.ok(!lookups().aborted);
});

test('an answer is due after half of the timeout, even if there were no look-ups', () => {
  let nowMs = 1_000;
  const { isDue } = reviewDeadlines('10s', nowMs, () => nowMs);
  assert.equal(isDue(), false);
  nowMs += 4_999;
  assert.equal(isDue(), false);
  nowMs += 1;
  assert.equal(isDue(), true);
});

test('only a POST to the path of an endpoint is a review, and an unusual query is left to Fastify', () => {
  const endpoint = { path: '/mutate/pods' } as Endpoint;
  const endpoints = new Map([[endpoint.path, endpoint]]);
  const find = (url: string, method = 'POST') => findReview({ method, url }, endpoints);
  assert.deepEqual(find('/mutate/pods?timeout=10s'), { endpoint, timeout: '10s' });
  assert.deepEqual(find('/mutate/pods?timeout=1m0.5s'), { endpoint, timeout: '1m0.5s' });
  assert.deepEqual(find('/mutate/pods'), { endpoint, timeout: undefined });
  const others = ['?', '?timeout=', '?timeout=1%30s', '?timeout=1s&timeout=2s', '?a=1', `?timeout=${'9'.repeat(33)}`];
  for (const query of others) assert.equal(find(`/mutate/pods${query}`), undefined, query);
  for (const url of ['/mutate/pods/', '/mutate%2Fpods', '//mutate/pods', '/mutate', '*', '']) {
    assert.equal(find(url), undefined, url);
  }
  assert.equal(find('/mutate/pods', 'GET'), undefined);
  assert.equal(findReview({}, endpoints), undefined);
});
