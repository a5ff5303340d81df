// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'jsonpatch';
import { type Edit, pointer, withEdits } from './json.ts';

const keys = fc.constantFrom('a', 'b', 'x/y', 'p~q', '0', '1', '-', '~1', 'constructor');
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    fc.constantFrom<unknown>(null, 1, 'text', true),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(keys, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const edit: fc.Arbitrary<Edit> = fc.record({
  op: fc.constantFrom('add', 'replace'),
  path: fc.array(keys, { maxLength: 4 }).map((path) => pointer(...path)),
  value: json,
});

function attempt(work: () => unknown): unknown {
  try {
    return { result: work() };
  } catch {
    return 'does not apply';
  }
}

/** Applies edits one by one. The library accepts an edit inside a text or a number, and then ignores it. */
function applyStrictly(value: unknown, edits: readonly Edit[]): unknown {
  return edits.reduce((edited, next) => {
    const parents = next.path.split('/').slice(1, -1);
    const inner = parents.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const holder = inner.reduce((found, key) => (Object(found) as Record<string, unknown>)[key], edited);
    if (next.path !== '' && Object(holder) !== holder) throw new Error(`${next.path} is in a scalar`);
    return jsonpatch.apply_patch(edited, [next]);
  }, value);
}

describe('edits', () => {
  it('are applied as by a JSON Patch library, and the original does not change', () => {
    let applied = 0;
    const check = fc.property(json, fc.array(edit, { minLength: 1, maxLength: 3 }), (value, edits) => {
      const before = JSON.stringify(value);
      const ours = attempt(() => withEdits(value, edits));
      assert.equal(JSON.stringify(value), before);
      assert.deepEqual(
        ours,
        attempt(() => applyStrictly(structuredClone(value), structuredClone(edits))),
      );
      if (typeof ours === 'object') applied += 1;
    });
    fc.assert(check, { numRuns: 5_000 });
    assert.ok(applied > 500, `${applied} applied`);
  });

  it('share the values that they do not change', () => {
    const value = { spec: { list: [{ a: 1 }, { b: 2 }] }, metadata: { name: 'x' } };
    const edited = withEdits(value, [
      { op: 'add', path: '/spec/list/0/b', value: 3 },
      { op: 'replace', path: '/spec/list/0/a', value: 4 },
    ]) as typeof value;
    assert.deepEqual(edited.spec.list, [{ a: 4, b: 3 }, { b: 2 }]);
    assert.equal(edited.metadata, value.metadata);
    assert.equal(edited.spec.list[1], value.spec.list[1]);
  });
});
