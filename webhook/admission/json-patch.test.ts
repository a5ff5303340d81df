// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edit } from '../../policy/edit.ts';
import { deny, type Verdict, warn } from '../../policy/reasons.ts';
import { tryMutation } from './json-patch.ts';

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

test('the patch is applied to a copy, which is reviewed; the object stays as it is', () => {
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

test('a patch that does not apply is a bug, told with its paths', () => {
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

test('an object that has faults of its own is patched all the same: validation says what they are', () => {
  const edit = { op: 'add', path: '/metadata/annotations', value: {} } as const;
  assert.deepEqual(tryMutation({ metadata: {}, size: 2 }, mutation(edit), refuseTwo).edits, [edit]);
});

test('a warning about the result is no fault', () => {
  const edit = { op: 'add', path: '/size', value: 3 } as const;
  assert.deepEqual(tryMutation(thing, mutation(edit), () => [warn('BadLabel', '', '')]).edits, [edit]);
});
