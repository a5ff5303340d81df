// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { labelKeys, nodeSelection, spoiled } from '../../test/fixtures/plan/arbitrary-policy.ts';
import { matchNode, type NodeFacts } from '../plan/match-labels.ts';
import { type PolicySpec, readNodeSelection } from './rule.ts';
import { widenSelection } from './widen-selection.ts';

const zoned = { name: 'h1', labels: { zone: 'a', rank: '5' } };
const bare = { name: 'h2', labels: {} };
const keeps = (spec: unknown) => [zoned, bare].map((node) => matchNode(node, widenSelection(spec)));

const every = [true, true];
const withKey = [true, false];
const none = [false, false];
const terms = (...nodeSelectorTerms: readonly unknown[]) => ({ nodeAffinity: { nodeSelectorTerms } });
const label = (value: unknown) => ({ nodeSelector: { matchLabels: { zone: value } } });
const expression = (requirement: unknown) => ({ nodeSelector: { matchExpressions: [requirement] } });

describe('an invalid selection still selects', () => {
  for (const [title, spec, kept] of [
    ['the nodes that have the key, for a float', label(1.5), withKey],
    ['the nodes that have the key, for null', label(null), withKey],
    ['the nodes that have the key, for a text that is not a legal label value', label('a b'), withKey],
    ['the nodes that have the key, for a map', label({}), withKey],
    ['the nodes that match, for a valid label', label('b'), none],
    ['every node, for a key that is not a legal label key', { nodeSelector: { matchLabels: { 'a b': 'a' } } }, every],
    ['the nodes that match another, valid label', { nodeSelector: { matchLabels: { 'a b': 'a', zone: 'b' } } }, none],
    ['every node, for a selector that is text', { nodeSelector: 'zone=a' }, every],
    ['every node, for a selector that is a list', { nodeSelector: [{ zone: 'a' }] }, every],
    ['every node, for a misspelt selector', { nodeSelectr: { matchLabels: { zone: 'a' } } }, every],
    ['every node, for labels one level too high', { nodeSelector: { zone: 'a' } }, every],
    ['every node, for labels that are text', { nodeSelector: { matchLabels: 'zone=a' } }, every],
    ['every node, for expressions that are not a list', { nodeSelector: { matchExpressions: {} } }, every],
    ['every node, for an expression that is text', expression('zone'), every],
    ['every node, for an unknown operator', expression({ key: 'zone', operator: 'Equals', values: ['b'] }), every],
    ['every node, for an expression without an operator', expression({ key: 'zone', values: ['b'] }), every],
    ['the nodes that have the key, for In without values', expression({ key: 'zone', operator: 'In' }), withKey],
    [
      'the nodes that have the key, for In with null',
      expression({ key: 'zone', operator: 'In', values: [null, 'b'] }),
      withKey,
    ],
    [
      'the nodes that have the key, for values that are not a list',
      expression({ key: 'zone', operator: 'In', values: 'b' }),
      withKey,
    ],
    [
      'the nodes that have the key, for Exists with values',
      expression({ key: 'zone', operator: 'Exists', values: ['b'] }),
      withKey,
    ],
    [
      'every node, for DoesNotExist with values',
      expression({ key: 'zone', operator: 'DoesNotExist', values: ['b'] }),
      every,
    ],
    [
      'all nodes but those with the readable values, for NotIn',
      expression({ key: 'zone', operator: 'NotIn', values: ['a', null] }),
      [false, true],
    ],
    ['every node, for NotIn without values', expression({ key: 'zone', operator: 'NotIn' }), every],
    ['every node, for an affinity without terms', terms(), every],
    ['every node, for an affinity that is text', { nodeAffinity: 'zone' }, every],
    [
      'every node, for the fields of a pod affinity',
      { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } },
      every,
    ],
    ['every node, for a term that is null', terms(null), every],
    [
      'every node, if one of the terms is not an object',
      terms({ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, 5),
      every,
    ],
    ['every node, for a term with an unknown field', terms({ matchLabels: { zone: 'b' } }), every],
    ['every node, for a term whose list is null', terms({ matchExpressions: null }), every],
    ['no node, for an empty term', terms({}), none],
    ['no node, for a term with empty lists', terms({ matchExpressions: [], matchFields: [] }), none],
    [
      'the nodes that have the key, for a bound that is not an integer',
      terms({ matchExpressions: [{ key: 'rank', operator: 'Gt', values: ['x'] }] }),
      withKey,
    ],
    [
      'the nodes that have the key, for two bounds',
      terms({ matchExpressions: [{ key: 'rank', operator: 'Lt', values: [1, 2] }] }),
      withKey,
    ],
    [
      'the nodes within a valid bound',
      terms({ matchExpressions: [{ key: 'rank', operator: 'Gt', values: [5] }] }),
      none,
    ],
    [
      'the nodes that match a valid name',
      terms({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['h2'] }] }),
      withKey,
    ],
    [
      'every node, for two names',
      terms({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['h1', 'h3'] }] }),
      every,
    ],
    [
      'every node, for a name that is null',
      terms({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [null] }] }),
      every,
    ],
    [
      'every node, for names that are not a list',
      terms({ matchFields: [{ key: 'metadata.name', operator: 'In', values: 'h3' }] }),
      every,
    ],
    [
      'every node, for another field',
      terms({ matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['h3'] }] }),
      every,
    ],
    [
      'every node, for the operator Exists on a name',
      terms({ matchFields: [{ key: 'metadata.name', operator: 'Exists', values: ['h3'] }] }),
      every,
    ],
    ['every node, for a field requirement that is null', terms({ matchFields: [null] }), every],
    ['every node, for a policy without a spec', undefined, every],
    ['every node, for a spec that is text', 'spec', every],
  ] as const) {
    it(title, () => assert.deepEqual(keeps(spec), kept));
  }
});

describe('the widened selection', () => {
  const node: fc.Arbitrary<NodeFacts> = fc.record({
    name: fc.constantFrom('h1', 'h2', 'h3'),
    labels: fc.dictionary(fc.constantFrom(...labelKeys), fc.constantFrom('a', 'b', 'true', '5', '9', '-9', '')),
  });
  const runs = { numRuns: 3_000 };

  it('is the written selection if that is valid', () => {
    fc.assert(
      fc.property(nodeSelection, (selection) => {
        const spec = { parentSelector: [], ...JSON.parse(JSON.stringify(selection)) } as PolicySpec;
        assert.deepEqual(widenSelection(spec), readNodeSelection(spec));
      }),
      runs,
    );
  });

  it('still selects all nodes of the original selection, whichever part is damaged', () => {
    const whole = nodeSelection.map((selection) => ({ selection: JSON.parse(JSON.stringify(selection)) }));
    fc.assert(
      fc.property(spoiled(whole), node, ({ whole: { selection }, spoilt }, facts) => {
        const meant = matchNode(facts, readNodeSelection({ parentSelector: [], ...selection }));
        assert.ok(!meant || matchNode(facts, widenSelection(spoilt.selection)));
      }),
      runs,
    );
  });
});
