// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { anyObject, soundPolicy } from '../../test/fixtures/plan/arbitrary-policy.ts';
import { policy, policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { type PolicyAdmissionContext, reviewPolicyAdmission } from './review-admission.ts';

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
  it('passes without a word when nothing is wrong with it', () => assert.deepEqual(brief(make(good)), []));

  it('is denied for every fault, and told of nothing else then', () => {
    const spec = { parentSelector: [{}, twoDevices] };
    assert.deepEqual(brief(make(spec)), ['deny ParentAmbiguous spec.parentSelector[0]', `deny ${quantityAt}`]);
  });

  it('is denied outside the namespace of the installation', () => {
    assert.deepEqual(brief(make(good, { namespace: 'tenant' })), ['deny PolicyOutsideNamespace metadata.namespace']);
  });

  it('is denied, not read, where it has not the shape', () => {
    assert.deepEqual(brief(make({ parentSelector: 'eth0' })), ['deny SchemaFault spec.parentSelector']);
    for (const object of [undefined, null, 'a', []]) assert.deepEqual(brief(object), ['deny SchemaFault object']);
  });

  it('is told what may surprise, in the order of the list', () => {
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
  it('is denied for a fault that is new', () => {
    assert.deepEqual(brief(make(bad), { before: make(good) }), [`deny ${quantityAt}`]);
  });

  it('is warned of a fault that was there', () => {
    const priority = { ...bad, priority: 5 };
    assert.deepEqual(brief(make(priority), { before: make(bad) }), [`warn ${quantityAt}`]);
  });

  it('is denied when a fault changes its value', () => {
    const worse = { ...bad, parentSelector: [bad.parentSelector[0], { ...twoDevices, quantity: 3 }] };
    assert.deepEqual(brief(make(worse), { before: make(bad) }), [`deny ${quantityAt}`]);
  });

  it('is warned of a fault that an entry before it has moved, and denied when it is there once more', () => {
    const quantityOf = (entry: number) => `PassthruQuantity spec.parentSelector[${entry}].quantity`;
    const moved = { ...bad, parentSelector: [twoDevices, bad.parentSelector[0]] };
    assert.deepEqual(brief(make(moved), { before: make(bad) }), [`warn ${quantityOf(0)}`]);
    const twice = { ...bad, parentSelector: [twoDevices, ...bad.parentSelector] };
    assert.deepEqual(brief(make(twice), { before: make(bad) }), [`warn ${quantityOf(0)}`, `deny ${quantityOf(2)}`]);
  });

  it('may mend one fault of two', () => {
    const both = { ...bad, parentSelector: [{}, twoDevices] };
    assert.deepEqual(brief(make(bad), { before: make(both) }), [`warn ${quantityAt}`]);
  });

  it('may mend a shape that could not be read', () => {
    assert.deepEqual(brief(make(good), { before: make({ parentSelector: 5 }) }), []);
    assert.deepEqual(brief(make(bad), { before: make({ parentSelector: 5 }) }), [`deny ${quantityAt}`]);
  });

  it('passes with warnings alone when only its metadata changes, whatever it says', () => {
    const metadata = { labels: { a: 'b' }, finalizers: [] };
    for (const spec of [bad, { parentSelector: 5 }, undefined, { parentSelector: [{}] }]) {
      const verdicts = review(make(spec, metadata), { before: make(spec) });
      assert.ok(verdicts.length > 0 && verdicts.every(({ severity }) => severity === 'warn'));
    }
    assert.deepEqual(brief(make(good, { ...metadata, namespace: 'a' }), { before: make(good, { namespace: 'a' }) }), [
      'warn PolicyOutsideNamespace metadata.namespace',
    ]);
  });

  it('is told what may surprise only when what it says changes', () => {
    const every = { parentSelector: good.parentSelector };
    assert.deepEqual(brief(make(every), { before: make(every) }), []);
    assert.deepEqual(brief(make({ ...every, priority: 5 }), { before: make(every) }), [
      'warn SelectsEveryNode spec.nodeSelector',
    ]);
  });

  it('is told which namespaces lose access', () => {
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

  it('passes when it is being deleted', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    assert.deepEqual(brief(make(bad, { deletionTimestamp }), { before: make(good) }), []);
    assert.deepEqual(brief(make(undefined, { deletionTimestamp }), { before: make(good) }), []);
  });
});

describe('whatever is reviewed', () => {
  const others = [policy('q', { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] })];
  const runs = { numRuns: 1_000 };

  it('gets an answer', () => {
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

  it('passes when it is sound', () => {
    fc.assert(
      fc.property(soundPolicy, (object) => {
        assert.ok(review(object, { others }).every(({ severity }) => severity === 'warn'));
      }),
      runs,
    );
  });
});
