// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LabelSelector, type NodeAffinity, readNodeSelection } from '../nodepolicy/rule.ts';
import { matchNode, parseInt64 } from './match-labels.ts';

for (const [text, value] of [
  ['0', 0n],
  ['+7', 7n],
  ['-7', -7n],
  ['007', 7n],
  ['9223372036854775807', 2n ** 63n - 1n],
  ['-9223372036854775808', -(2n ** 63n)],
  ['9223372036854775808', undefined],
  ['-9223372036854775809', undefined],
  ['', undefined],
  ['1.0', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  [' 1', undefined],
  ['1_000', undefined],
  [undefined, undefined],
] as const) {
  it(`parseInt64 reads ${JSON.stringify(text)} as ${value}`, () => {
    assert.equal(parseInt64(text), value);
  });
}

const node = { name: 'h1', labels: { zone: 'a', macvtapAware: 'true', rank: '5', slots: '-2', empty: '' } };

function selects(selection: { nodeSelector?: LabelSelector; nodeAffinity?: NodeAffinity }): boolean {
  return matchNode(node, readNodeSelection({ parentSelector: [], ...selection }));
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];
type Requirement = NonNullable<NodeAffinity['nodeSelectorTerms'][number]['matchExpressions']>[number];

const expressions: readonly [Expression, boolean][] = [
  [{ key: 'zone', operator: 'In', values: ['b', 'a'] }, true],
  [{ key: 'zone', operator: 'In', values: ['b'] }, false],
  [{ key: 'absent', operator: 'In', values: ['a'] }, false],
  [{ key: 'rank', operator: 'In', values: [5] }, true],
  [{ key: 'macvtapAware', operator: 'In', values: [true] }, true],
  [{ key: 'zone', operator: 'NotIn', values: ['b'] }, true],
  [{ key: 'zone', operator: 'NotIn', values: ['a'] }, false],
  [{ key: 'absent', operator: 'NotIn', values: ['a'] }, true],
  [{ key: 'empty', operator: 'Exists' }, true],
  [{ key: 'absent', operator: 'Exists' }, false],
  [{ key: 'absent', operator: 'DoesNotExist' }, true],
  [{ key: 'zone', operator: 'DoesNotExist' }, false],
  [{ key: 'constructor', operator: 'DoesNotExist' }, true],
];
const comparisons: readonly [Requirement, boolean][] = [
  [{ key: 'rank', operator: 'Gt', values: ['4'] }, true],
  [{ key: 'rank', operator: 'Gt', values: [4] }, true],
  [{ key: 'rank', operator: 'Gt', values: ['5'] }, false],
  [{ key: 'rank', operator: 'Lt', values: ['6'] }, true],
  [{ key: 'rank', operator: 'Lt', values: ['5'] }, false],
  [{ key: 'rank', operator: 'Lt', values: ['10'] }, true],
  [{ key: 'slots', operator: 'Lt', values: ['-1'] }, true],
  [{ key: 'slots', operator: 'Gt', values: ['-3'] }, true],
  [{ key: 'zone', operator: 'Gt', values: ['1'] }, false],
  [{ key: 'absent', operator: 'Gt', values: ['1'] }, false],
  [{ key: 'absent', operator: 'Lt', values: ['1'] }, false],
  [{ key: 'empty', operator: 'Lt', values: ['1'] }, false],
  [{ key: 'rank', operator: 'Gt', values: ['one'] }, false],
  [{ key: 'rank', operator: 'Gt', values: ['1', '2'] }, false],
  [{ key: 'rank', operator: 'Gt', values: ['9223372036854775808'] }, false],
];
const fields: readonly [Requirement, boolean][] = [
  [{ key: 'metadata.name', operator: 'In', values: ['h1'] }, true],
  [{ key: 'metadata.name', operator: 'In', values: ['h2'] }, false],
  [{ key: 'metadata.name', operator: 'NotIn', values: ['h2'] }, true],
  [{ key: 'metadata.name', operator: 'NotIn', values: ['h1'] }, false],
  [{ key: 'metadata.name', operator: 'In', values: ['h1', 'h2'] }, false],
  [{ key: 'metadata.name', operator: 'Exists' }, false],
  [{ key: 'metadata.uid', operator: 'In', values: ['h1'] }, false],
  [{ key: 'zone', operator: 'In', values: ['a'] }, false],
];

describe('nodeSelector', () => {
  it('selects every node if it is absent or empty', () => {
    assert.ok(selects({}));
    assert.ok(selects({ nodeSelector: {} }));
    assert.ok(selects({ nodeSelector: { matchLabels: {}, matchExpressions: [] } }));
  });

  for (const [matchLabels, expected] of [
    [{ zone: 'a' }, true],
    [{ zone: 'a', rank: '5' }, true],
    [{ zone: 'a', rank: '6' }, false],
    [{ absent: '' }, false],
    [{ empty: '' }, true],
    [{ macvtapAware: true }, true],
    [{ macvtapAware: 'true' }, true],
    [{ macvtapAware: false }, false],
    [{ rank: 5 }, true],
  ] as const) {
    it(`matchLabels ${JSON.stringify(matchLabels)} ${expected ? 'selects' : 'does not select'}`, () => {
      assert.equal(selects({ nodeSelector: { matchLabels } }), expected);
    });
  }

  for (const [requirement, expected] of expressions) {
    it(`${JSON.stringify(requirement)} ${expected ? 'selects' : 'does not select'}`, () => {
      assert.equal(selects({ nodeSelector: { matchExpressions: [requirement] } }), expected);
    });
  }

  it('selects a node only if all its labels and expressions match', () => {
    const zone = { key: 'zone', operator: 'Exists' } as const;
    const absent = { key: 'absent', operator: 'Exists' } as const;
    assert.ok(selects({ nodeSelector: { matchLabels: { rank: '5' }, matchExpressions: [zone] } }));
    assert.ok(!selects({ nodeSelector: { matchLabels: { rank: '6' }, matchExpressions: [zone] } }));
    assert.ok(!selects({ nodeSelector: { matchExpressions: [zone, absent] } }));
  });
});

describe('nodeAffinity', () => {
  for (const [requirement, expected] of [...expressions, ...comparisons]) {
    it(`matchExpressions ${JSON.stringify(requirement)} ${expected ? 'selects' : 'does not select'}`, () => {
      assert.equal(selects({ nodeAffinity: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } }), expected);
    });
  }

  for (const [requirement, expected] of fields) {
    it(`matchFields ${JSON.stringify(requirement)} ${expected ? 'selects' : 'does not select'}`, () => {
      assert.equal(selects({ nodeAffinity: { nodeSelectorTerms: [{ matchFields: [requirement] }] } }), expected);
    });
  }

  const yes = { key: 'zone', operator: 'Exists' } as const;
  const no = { key: 'absent', operator: 'Exists' } as const;
  const terms = (...nodeSelectorTerms: NodeAffinity['nodeSelectorTerms']) =>
    selects({ nodeAffinity: { nodeSelectorTerms } });

  it('selects a node if one of its terms matches with all its requirements', () => {
    assert.ok(terms({ matchExpressions: [no] }, { matchExpressions: [yes] }));
    assert.ok(!terms({ matchExpressions: [yes, no] }));
    assert.ok(
      !terms({ matchExpressions: [yes], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['h2'] }] }),
    );
  });

  it('selects no node by an empty term', () => {
    assert.ok(!terms({}));
    assert.ok(!terms({ matchExpressions: [], matchFields: [] }));
    assert.ok(terms({}, { matchExpressions: [yes] }));
  });

  it('and nodeSelector must both match', () => {
    const nodeAffinity = { nodeSelectorTerms: [{ matchExpressions: [yes] }] };
    assert.ok(selects({ nodeSelector: { matchLabels: { zone: 'a' } }, nodeAffinity }));
    assert.ok(!selects({ nodeSelector: { matchLabels: { zone: 'b' } }, nodeAffinity }));
    assert.ok(
      !selects({
        nodeSelector: { matchLabels: { zone: 'a' } },
        nodeAffinity: { nodeSelectorTerms: [{ matchExpressions: [no] }] },
      }),
    );
  });
});
