// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { schemaFaults } from '../../cluster/objects/schema-faults.ts';
import { soundPolicy, spoiled } from '../../test/fixtures/plan/arbitrary-policy.ts';
import { readFixtures } from '../../test/fixtures/read-fixtures.ts';
import { findShapeFault, isLabelOperator } from './find-shape-fault.ts';

const metadata = { name: 'p', namespace: 'n' };
const withSpec = (spec: unknown) => ({ metadata, spec });
const withEntry = (entry: unknown) => withSpec({ parentSelector: [{ parentIface: 'a' }, entry] });
const withNic = (nicSelector: unknown) => withEntry({ nicSelector });
const withSelector = (nodeSelector: unknown) => withSpec({ parentSelector: [], nodeSelector });
const withTerm = (...terms: readonly unknown[]) =>
  withSpec({ parentSelector: [], nodeAffinity: { nodeSelectorTerms: terms } });

describe('the first place whose shape is not that of a policy', () => {
  for (const [object, place] of [
    [undefined, 'object'],
    [[], 'object'],
    [{}, 'metadata'],
    [{ metadata: { name: 5, namespace: 'n' } }, 'metadata.name'],
    [{ metadata: { name: 'p' } }, 'metadata.namespace'],
    [{ metadata: { ...metadata, generation: '1' } }, 'metadata.generation'],
    [{ metadata: { ...metadata, creationTimestamp: 5 } }, 'metadata.creationTimestamp'],
    [{ metadata }, 'spec'],
    [withSpec(null), 'spec'],
    [withSpec({}), 'spec.parentSelector'],
    [withSpec({ parentSelector: {} }), 'spec.parentSelector'],
    [withSpec({ parentSelector: [], priority: 'high' }), 'spec.priority'],
    [withSpec({ parentSelector: [], resourceName: 5 }), 'spec.resourceName'],
    [withSpec({ parentSelector: [], namespaceSelector: [] }), 'spec.namespaceSelector'],
    [withSpec({ parentSelector: [], nodeAffinity: {} }), 'spec.nodeAffinity.nodeSelectorTerms'],
    [withSpec({ parentSelector: [], onCarrierLoss: 'evict' }), 'spec.onCarrierLoss'],
    [withSpec({ parentSelector: [], onCarrierLoss: 'toString' }), 'spec.onCarrierLoss'],
    [withSpec({ parentSelector: [], carrierLossGracePeriod: 30 }), 'spec.carrierLossGracePeriod'],
    [withSpec({ parentSelector: [], carrierLossGracePeriod: '30' }), 'spec.carrierLossGracePeriod'],
    [withSpec({ parentSelector: [], carrierLossGracePeriod: '1m30s' }), 'spec.carrierLossGracePeriod'],
    [withEntry(null), 'spec.parentSelector[1]'],
    [withEntry({ parentIface: 5 }), 'spec.parentSelector[1].parentIface'],
    [withEntry({ parentIface: null }), 'spec.parentSelector[1].parentIface'],
    [withEntry({ mode: 'Bridge' }), 'spec.parentSelector[1].mode'],
    [withEntry({ mode: 5 }), 'spec.parentSelector[1].mode'],
    [withEntry({ quantity: '5' }), 'spec.parentSelector[1].quantity'],
    [withEntry({ resourceName: [] }), 'spec.parentSelector[1].resourceName'],
    [withEntry({ needVhostNet: 'yes' }), 'spec.parentSelector[1].needVhostNet'],
    [withNic([]), 'spec.parentSelector[1].nicSelector'],
    [withNic({ names: 'ens*' }), 'spec.parentSelector[1].nicSelector.names'],
    [withNic({ numaNodes: [0, '1'] }), 'spec.parentSelector[1].nicSelector.numaNodes[1]'],
    [withNic({ exclude: { drivers: [5] } }), 'spec.parentSelector[1].nicSelector.exclude.drivers[0]'],
    [withNic({ exclude: { defaultRoute: 'true' } }), 'spec.parentSelector[1].nicSelector.exclude.defaultRoute'],
    [withSelector({ matchLabels: [] }), 'spec.nodeSelector.matchLabels'],
    [withSelector({ matchExpressions: [{}] }), 'spec.nodeSelector.matchExpressions[0].key'],
    [withSelector({ matchExpressions: [{ key: 'a' }] }), 'spec.nodeSelector.matchExpressions[0].operator'],
    [
      withSelector({ matchExpressions: [{ key: 'a', operator: 'toString' }] }),
      'spec.nodeSelector.matchExpressions[0].operator',
    ],
    [
      withSelector({ matchExpressions: [{ key: 'a', operator: 'In', values: {} }] }),
      'spec.nodeSelector.matchExpressions[0].values',
    ],
    [withTerm({}, null), 'spec.nodeAffinity.nodeSelectorTerms[1]'],
    [withTerm({ matchFields: 'h1' }), 'spec.nodeAffinity.nodeSelectorTerms[0].matchFields'],
  ] as const) {
    it(`${JSON.stringify(object)}: ${place}`, () => assert.equal(findShapeFault(object), place));
  }

  it('is a list with more than 64 items, as in the schema', () => {
    const selector = (count: number) =>
      withSelector({ matchExpressions: Array(count).fill({ key: 'a', operator: 'Exists' }) });
    assert.equal(findShapeFault(selector(64)), undefined);
    assert.equal(findShapeFault(selector(65)), 'spec.nodeSelector.matchExpressions');
    const entries = (count: number) => withSpec({ parentSelector: Array(count).fill({ parentIface: 'a' }) });
    assert.equal(findShapeFault(entries(64)), undefined);
    assert.equal(findShapeFault(entries(65)), 'spec.parentSelector');
  });

  it('is undefined if creationTimestamp is null', () => {
    assert.equal(
      findShapeFault({ metadata: { ...metadata, creationTimestamp: null }, spec: { parentSelector: [] } }),
      undefined,
    );
  });

  it('is undefined for a valid policy, and for every fixture that passes the schema', () => {
    fc.assert(fc.property(soundPolicy, (policy) => assert.equal(findShapeFault(policy), undefined)));
    for (const { title, object } of readFixtures('nodepolicy', 'schema', 'pass')) {
      assert.equal(findShapeFault(object), undefined, title);
    }
  });

  it('is undefined for every object that the schema accepts', () => {
    const specs = spoiled(soundPolicy.map(({ spec }) => ({ spec })));
    fc.assert(
      fc.property(specs, ({ spoilt: { spec } }) => {
        const object = { apiVersion: 'x', kind: 'x', metadata, spec };
        if (schemaFaults('MacvtapNetworkNodePolicy', object).length === 0) {
          assert.equal(findShapeFault(object), undefined);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

it('isLabelOperator accepts exactly the operators of requirements', () => {
  for (const name of ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']) assert.ok(isLabelOperator(name));
  for (const name of ['in', '', 'constructor', undefined, null, 5, ['In']]) assert.ok(!isLabelOperator(name));
});
