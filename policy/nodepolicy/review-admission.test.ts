// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { anyObject, soundPolicy } from '../../test/fixtures/plan/arbitrary-policy.ts';
import { policy, policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { isSameSpec, type PolicyAdmissionContext, reviewPolicyAdmission, warnings } from './review-admission.ts';

const nodes = new Map(['h1', 'h2'].map((name) => [name, { name, labels: { zone: 'a' } }]));
const nodeSelector = { matchLabels: { zone: 'a' } };
const good = { nodeSelector, parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] };
const twoDevices = { parentIface: 'eth1', mode: 'passthru', quantity: 2 };
const bad = { nodeSelector, parentSelector: [{ parentIface: 'eth0' }, twoDevices] };

const make = (spec: unknown, metadata: object = {}) => ({
  metadata: { name: 'p', namespace: policyNamespace, ...metadata },
  spec,
});
const review = (object: unknown, rest: Partial<PolicyAdmissionContext> = {}) =>
  reviewPolicyAdmission(object, { policyNamespace, others: [], nodes, ...rest });
const brief = (...args: Parameters<typeof review>) =>
  review(...args).map(({ severity, code, path }) => `${severity} ${code} ${path}`);
const quantityAt = 'PassthruQuantity spec.parentSelector[1].quantity';

describe('a policy that is created', () => {
  it('passes without warnings if nothing is wrong with it', () => assert.deepEqual(brief(make(good)), []));

  it('is denied with all errors, and then gets no warnings', () => {
    const spec = { parentSelector: [{}, twoDevices] };
    assert.deepEqual(brief(make(spec)), ['deny ParentAmbiguous spec.parentSelector[0]', `deny ${quantityAt}`]);
  });

  it('is denied outside the namespace of the installation', () => {
    assert.deepEqual(brief(make(good, { namespace: 'tenant' })), ['deny PolicyOutsideNamespace metadata.namespace']);
  });

  it('is denied without being parsed if it does not have the right shape', () => {
    assert.deepEqual(brief(make({ parentSelector: 'eth0' })), ['deny SchemaFault spec.parentSelector']);
    for (const object of [undefined, null, 'a', []]) assert.deepEqual(brief(object), ['deny SchemaFault object']);
  });

  it('gets warnings in the order of the list of warnings', () => {
    const spec = { parentSelector: [good.parentSelector[0], good.parentSelector[0]] };
    const others = [policy('q', { parentSelector: [{ parentIface: 'eth1', resourceName: 'data' }] })];
    assert.deepEqual(brief(make(spec), { others }), [
      'warn SelectsEveryNode spec.nodeSelector',
      'warn Shadowed spec.parentSelector[1]',
      'warn PolicyOverlap spec',
    ]);
  });
});

describe('a policy that is updated', () => {
  it('is denied for a new error', () => {
    assert.deepEqual(brief(make(bad), { before: make(good) }), [`deny ${quantityAt}`]);
  });

  it('is warned about an existing error', () => {
    const priority = { ...bad, priority: 5 };
    assert.deepEqual(brief(make(priority), { before: make(bad) }), [`warn ${quantityAt}`]);
  });

  it('is denied when an erroneous value changes', () => {
    const worse = { ...bad, parentSelector: [bad.parentSelector[0], { ...twoDevices, quantity: 3 }] };
    assert.deepEqual(brief(make(worse), { before: make(bad) }), [`deny ${quantityAt}`]);
  });

  it('is warned about an error that moved with its entry, and denied if the error is repeated', () => {
    const quantityOf = (entry: number) => `PassthruQuantity spec.parentSelector[${entry}].quantity`;
    const moved = { ...bad, parentSelector: [twoDevices, bad.parentSelector[0]] };
    assert.deepEqual(brief(make(moved), { before: make(bad) }), [`warn ${quantityOf(0)}`]);
    const twice = { ...bad, parentSelector: [twoDevices, ...bad.parentSelector] };
    assert.deepEqual(brief(make(twice), { before: make(bad) }), [`warn ${quantityOf(0)}`, `deny ${quantityOf(2)}`]);
  });

  it('may fix one of two errors', () => {
    const both = { ...bad, parentSelector: [{}, twoDevices] };
    assert.deepEqual(brief(make(bad), { before: make(both) }), [`warn ${quantityAt}`]);
  });

  it('may fix an unreadable field', () => {
    assert.deepEqual(brief(make(good), { before: make({ parentSelector: 5 }) }), []);
    assert.deepEqual(brief(make(bad), { before: make({ parentSelector: 5 }) }), [`deny ${quantityAt}`]);
  });

  it('gets only warnings when only its metadata changes, whatever its spec contains', () => {
    const metadata = { labels: { a: 'b' }, finalizers: [] };
    for (const spec of [bad, { parentSelector: 5 }, undefined, { parentSelector: [{}] }]) {
      const verdicts = review(make(spec, metadata), { before: make(spec) });
      assert.ok(verdicts.length > 0 && verdicts.every(({ severity }) => severity === 'warn'));
    }
    assert.deepEqual(brief(make(good, { ...metadata, namespace: 'a' }), { before: make(good, { namespace: 'a' }) }), [
      'warn PolicyOutsideNamespace metadata.namespace',
    ]);
  });

  it('gets warnings only if its spec changes', () => {
    const every = { parentSelector: good.parentSelector };
    assert.deepEqual(brief(make(every), { before: make(every) }), []);
    assert.deepEqual(brief(make({ ...every, priority: 5 }), { before: make(every) }), []);
    assert.deepEqual(brief(make(every), { before: make(good) }), ['warn SelectsEveryNode spec.nodeSelector']);
  });

  it('gets a warning with the namespaces that lose access', () => {
    const namespaces = new Map([
      ['a', { team: 'red' }],
      ['b', {}],
    ]);
    const narrow = { ...good, namespaceSelector: { matchLabels: { team: 'red' } } };
    assert.deepEqual(brief(make(narrow), { before: make(good), namespaces }), [
      'warn NamespacesLost spec.namespaceSelector',
    ]);
    assert.deepEqual(brief(make(narrow), { before: make({ parentSelector: 5 }), namespaces }), []);
    assert.deepEqual(brief(make(narrow), { namespaces }), []);
  });

  it('passes if it is being deleted', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    assert.deepEqual(brief(make(bad, { deletionTimestamp }), { before: make(good) }), []);
    assert.deepEqual(brief(make(undefined, { deletionTimestamp }), { before: make(good) }), []);
  });
});

describe('any reviewed object', () => {
  const others = [policy('q', { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] })];
  const runs = { numRuns: 1_000 };

  it('gets verdicts without an exception', () => {
    fc.assert(
      fc.property(anyObject, fc.option(anyObject, { nil: undefined }), (object, before) => {
        const context = { others, ...(before !== undefined && { before }) };
        for (const { reason, detail, path } of review(object, context)) {
          assert.ok(reason !== '' && detail !== '' && path !== '');
        }
      }),
      runs,
    );
  });

  it('passes as an update of itself', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        assert.ok(
          review(object, { others, before: structuredClone(object) }).every(({ severity }) => severity === 'warn'),
        );
      }),
      runs,
    );
  });

  it('passes if it is valid', () => {
    fc.assert(
      fc.property(soundPolicy, (object) => {
        assert.ok(review(object, { others }).every(({ severity }) => severity === 'warn'));
      }),
      runs,
    );
  });
});

const isSame = (left: unknown, right: unknown) => {
  const forth = isSameSpec({ spec: left }, { spec: right });
  assert.equal(isSameSpec({ spec: right }, { spec: left }), forth);
  return forth;
};

describe('two specs are equal', () => {
  it('regardless of the order of their keys', () => {
    assert.ok(isSame({ a: 1, b: { c: [1, null], d: 'x' } }, { b: { d: 'x', c: [1, null] }, a: 1 }));
    assert.ok(isSame(undefined, undefined));
    assert.ok(isSameSpec({ metadata: { labels: { a: 'b' } }, spec: {} }, { metadata: {}, spec: {} }));
    assert.ok(isSameSpec(5, null));
  });

  it('even if they are deeply nested', () => {
    const deep = () => JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    assert.ok(isSame(deep(), deep()));
    assert.ok(!isSame(deep(), [deep()]));
  });
});

it('two specs differ if any value, key, list length, list order or type differs', () => {
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

describe('the list of warnings', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => file.startsWith('warn-'));

  it('contains every warning file once', () => {
    assert.deepEqual(
      warnings.map(({ name }) => `${name}.ts`).sort(),
      files.filter((file) => !file.endsWith('.test.ts')).sort(),
    );
  });

  it('has a test for every warning file', () => {
    assert.deepEqual(
      warnings.map(({ name }) => `${name}.test.ts`).sort(),
      files.filter((file) => file.endsWith('.test.ts')).sort(),
    );
  });
});
