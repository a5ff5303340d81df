// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultPolicy, isBeingDeleted } from './default-policy.ts';

/** Returns one line for each edit: `replace /spec/… "true"`. */
function edits(spec: unknown, metadata: object = { name: 'p' }): readonly string[] {
  return defaultPolicy({ metadata, spec }).edits.map(({ op, path, value }) => `${op} ${path} ${JSON.stringify(value)}`);
}

/** A policy in which every field with a default is set. Mutation can then only change values in selectors. */
const full = {
  priority: 1,
  onCarrierLoss: 'Evict',
  carrierLossGracePeriod: '0s',
  parentSelector: [
    {
      parentIface: 'a',
      mode: 'vepa',
      quantity: 1,
      excludeTopology: true,
      needVhostNet: true,
      allowHostInterface: true,
    },
  ],
};

describe('values of selectors become strings', () => {
  it('in matchLabels of every selector', () => {
    const selector = { matchLabels: { macvtapAware: true, 'example.com/rank': 5, zone: 'a' } };
    assert.deepEqual(edits({ ...full, nodeSelector: selector, namespaceSelector: selector }), [
      'replace /spec/nodeSelector/matchLabels/macvtapAware "true"',
      'replace /spec/nodeSelector/matchLabels/example.com~1rank "5"',
      'replace /spec/namespaceSelector/matchLabels/macvtapAware "true"',
      'replace /spec/namespaceSelector/matchLabels/example.com~1rank "5"',
    ]);
  });

  it('in expressions of every kind', () => {
    const matchExpressions = [
      { key: 'a', operator: 'Exists' },
      { key: 'b', operator: 'In', values: ['x', false, -3] },
    ];
    const term = { matchExpressions, matchFields: [{ key: 'metadata.name', operator: 'In', values: [7] }] };
    assert.deepEqual(
      edits({ ...full, nodeSelector: { matchExpressions }, nodeAffinity: { nodeSelectorTerms: [term] } }),
      [
        'replace /spec/nodeSelector/matchExpressions/1/values/1 "false"',
        'replace /spec/nodeSelector/matchExpressions/1/values/2 "-3"',
        'replace /spec/nodeAffinity/nodeSelectorTerms/0/matchExpressions/1/values/1 "false"',
        'replace /spec/nodeAffinity/nodeSelectorTerms/0/matchExpressions/1/values/2 "-3"',
        'replace /spec/nodeAffinity/nodeSelectorTerms/0/matchFields/0/values/0 "7"',
      ],
    );
  });

  it('but not floats, null, lists, maps and integers beyond 2^53, which validation rejects', () => {
    const values = [1.5, null, ['a'], { a: 1 }, 2 ** 60];
    const matchLabels = Object.fromEntries(values.map((value, index) => [`k${index}`, value]));
    assert.deepEqual(
      edits({ ...full, nodeSelector: { matchLabels, matchExpressions: [{ key: 'a', operator: 'In', values }] } }),
      [],
    );
  });

  it('but not under keys that are not legal label keys', () => {
    const matchLabels = JSON.parse('{"__proto__": true, "a b": true, "": true, "constructor": true}');
    assert.deepEqual(edits({ ...full, nodeSelector: { matchLabels } }), [
      'replace /spec/nodeSelector/matchLabels/constructor "true"',
    ]);
  });

  it('only if there are at most 1,024; more values are left unchanged, and readers accept them', () => {
    const selectors = (lists: number, values: number) => ({
      matchExpressions: Array.from({ length: lists }, () => ({
        key: 'a',
        operator: 'In',
        values: Array.from({ length: values }, () => 5),
      })),
    });
    assert.equal(edits({ ...full, nodeSelector: selectors(16, 64) }).length, 1_024);
    assert.equal(edits({ ...full, nodeSelector: selectors(25, 41) }).length, 0);
  });
});

describe('defaults are written out', () => {
  it('for the policy and for each entry', () => {
    assert.deepEqual(
      edits({ parentSelector: [{ parentIface: 'a' }, { ...full.parentSelector[0], mode: undefined }] }),
      [
        'add /spec/priority 99',
        'add /spec/onCarrierLoss "NoSchedule"',
        'add /spec/carrierLossGracePeriod "30s"',
        'add /spec/parentSelector/0/mode "bridge"',
        'add /spec/parentSelector/0/quantity 100',
        'add /spec/parentSelector/0/excludeTopology false',
        'add /spec/parentSelector/0/needVhostNet false',
        'add /spec/parentSelector/0/allowHostInterface false',
        'add /spec/parentSelector/1/mode "bridge"',
      ],
    );
  });

  for (const [mode, quantity] of [
    ['bridge', 100],
    ['private', 100],
    ['vepa', 100],
    ['passthru', 1],
  ] as const) {
    it(`a quantity of ${quantity} for ${mode}`, () => {
      const entry = { ...full.parentSelector[0], mode, quantity: null };
      assert.deepEqual(edits({ ...full, parentSelector: [entry] }), [
        `add /spec/parentSelector/0/quantity ${quantity}`,
      ]);
    });
  }

  it('but not the quantity if the mode is invalid, because the schema rejects it', () => {
    for (const mode of ['Bridge', '', 5, {}, 'constructor']) {
      assert.deepEqual(
        edits({ ...full, parentSelector: [{ ...full.parentSelector[0], mode, quantity: undefined }] }),
        [],
      );
    }
  });

  it('for fields that are null', () => {
    assert.deepEqual(edits({ ...full, priority: null }), ['add /spec/priority 99']);
  });

  it('but not for fields that are 0 or false', () => {
    const entry = { ...full.parentSelector[0], needVhostNet: false };
    assert.deepEqual(edits({ ...full, priority: 0, parentSelector: [entry] }), []);
  });
});

describe('an object is not changed', () => {
  it('if it is not a policy', () => {
    for (const object of [undefined, null, 5, 'policy', [], {}, { spec: null }, { spec: [] }, { spec: 'a' }]) {
      assert.deepEqual(defaultPolicy(object), { edits: [], verdicts: [] });
    }
  });

  it('in parts that have the wrong type', () => {
    const { parentSelector: _, ...rest } = full;
    for (const parentSelector of [undefined, null, {}, 'a', [null], [[]], ['a', { parentIface: 'a' }]]) {
      assert.deepEqual(edits({ ...rest, parentSelector }), []);
    }
    assert.deepEqual(edits({ ...rest, parentSelector: Array.from({ length: 65 }, () => ({})) }), []);
    for (const part of [null, 'a', [true], { matchLabels: [true], matchExpressions: true }]) {
      assert.deepEqual(edits({ ...full, nodeSelector: part, nodeAffinity: part, namespaceSelector: part }), []);
    }
    const terms = [{ matchExpressions: 5, matchFields: [null] }];
    assert.deepEqual(edits({ ...full, nodeAffinity: { nodeSelectorTerms: terms } }), []);
  });

  it('if it is being deleted', () => {
    assert.deepEqual(edits({}, { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' }), []);
    assert.equal(edits({}, { name: 'p', deletionTimestamp: null })[0], 'add /spec/priority 99');
    assert.ok(!isBeingDeleted({ metadata: [] }));
  });
});
