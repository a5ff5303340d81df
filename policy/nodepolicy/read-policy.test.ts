// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  brief,
  entries,
  exposeAll,
  nic,
  plan,
  policy,
  policyNamespace,
} from '../../test/fixtures/plan/build-example.ts';
import { type FieldMatches, fieldMatches } from '../plan/match-nic.ts';
import { type FieldReaders, fieldReaders, readAnyPolicy, readBrokenPolicy } from './read-policy.ts';
import type { NicSelector, ParentEntry } from './rule.ts';

describe('a parsed policy', () => {
  it('has a value for every default', () => {
    assert.deepEqual(entries({ parentIface: 'eth0' }), {
      id: 'macvtap-cni/p',
      priority: 99,
      createdMs: Number.POSITIVE_INFINITY,
      entries: [
        {
          index: 0,
          parent: { name: 'eth0' },
          mode: 'bridge',
          quantity: 100,
          excludeTopology: false,
          needVhostNet: false,
          allowHostInterface: false,
        },
      ],
      nodes: { labels: [], terms: undefined },
      namespaces: [],
      faults: [],
    });
  });

  it('has the written priority 0, creation time and generation', () => {
    const read = policy(
      'p',
      { parentSelector: [{ parentIface: 'eth0' }], priority: 0 },
      { creationTimestamp: '1970-01-01T00:00:01Z', generation: 3 },
    );
    assert.deepEqual([read.priority, read.createdMs, read.generation], [0, 1_000, 3]);
  });

  it('has the name of the resource-centric form in each entry', () => {
    const read = policy('p', { parentSelector: [{ parentIface: 'a' }, { parentIface: 'b' }], resourceName: 'data' });
    assert.equal(read.resourceName, 'data');
    assert.deepEqual(
      read.entries.map(({ resourceName }) => resourceName),
      ['data', 'data'],
    );
  });

  it('has its namespaceSelector as requirements', () => {
    const read = policy('p', {
      parentSelector: [{ parentIface: 'a' }],
      namespaceSelector: { matchLabels: { vms: true }, matchExpressions: [{ key: 'team', operator: 'Exists' }] },
    });
    assert.deepEqual(read.namespaces, [
      { key: 'vms', operator: 'In', values: ['true'] },
      { key: 'team', operator: 'Exists', values: [] },
    ]);
  });

  it('has its errors, and its other fields are still read', () => {
    const read = policy('p', {
      parentSelector: [{ parentIface: 'a', mode: 'passthru', quantity: 2 }, {}],
      nodeSelector: { matchLabels: { rank: 1.5, weight: null } },
    });
    assert.deepEqual(
      read.faults.map(({ code, path, severity }) => [code, path, severity]),
      [
        ['ParentAmbiguous', 'spec.parentSelector[1]', 'deny'],
        ['PassthruQuantity', 'spec.parentSelector[0].quantity', 'deny'],
        ['BadSelectorValue', 'spec.nodeSelector.matchLabels[rank]', 'deny'],
        ['BadSelectorValue', 'spec.nodeSelector.matchLabels[weight]', 'deny'],
      ],
    );
    assert.deepEqual(
      read.nodes.labels.map(({ values }) => values),
      [[], []],
    );
  });
});

describe('a field that a later schema adds to NIC selectors', () => {
  type Later = NicSelector & { readonly speeds?: readonly string[] };
  type LaterExclude = NicSelector & { readonly exclude?: { readonly speeds?: readonly string[] } };

  // Type checking fails here if one of the marked lines is no longer an error.
  it('fails the type check until a reader and a comparison exist for it, also in exclude', () => {
    // @ts-expect-error No reader for `speeds`.
    fieldReaders satisfies FieldReaders<Later>;
    // @ts-expect-error No reader for `exclude.speeds`.
    fieldReaders satisfies FieldReaders<LaterExclude>;
    // @ts-expect-error No comparison for `speeds`.
    fieldMatches satisfies FieldMatches<Later>;
    // @ts-expect-error No comparison for `exclude.speeds`.
    fieldMatches satisfies FieldMatches<LaterExclude>;
    assert.deepEqual(Object.keys(fieldReaders), Object.keys(fieldMatches));
  });

  it('makes the selector match nothing, instead of ignoring the field', () => {
    for (const nicSelector of [{ speeds: ['fast'] }, { names: ['eth*'], exclude: { speeds: ['fast'] } }]) {
      const policies = [entries({ nicSelector } as ParentEntry)];
      assert.deepEqual(brief(plan({ interfaces: [nic('eth0')], policies })), []);
    }
  });
});

describe('a field of an entry that only a newer version knows', () => {
  it('makes the entry select nothing, is reported, and does not affect the other entries', () => {
    const later = [
      { parentIface: 'eth0', speed: 'fast' },
      { nicSelector: { names: ['eth*'] }, vlan: 7, speed: 'fast' },
    ];
    const policies = [entries(...(later as ParentEntry[]), { parentIface: 'eth1' })];
    const made = plan({ interfaces: [nic('eth0'), nic('eth1')], policies });
    assert.deepEqual(brief(made), ['eth1=eth1/bridge/100']);
    assert.deepEqual(
      made.skipped.map(({ code, entry }) => [code, entry]),
      [
        ['NothingFound', 0],
        ['NothingFound', 1],
      ],
    );
  });
});

const context = { policyNamespace };
const faults = [{ path: 'spec.parentSelector[0].quantity', detail: 'write a number from 1 to 4096' }];
const metadata = { name: 'p', namespace: policyNamespace };
const entry = { parentIface: 'eth0', quantity: 5_000 };
const read = (object: unknown) => readBrokenPolicy(object, faults, context);
const zoneB = { parentSelector: [entry], nodeSelector: { matchLabels: { zone: 'b' } } };

describe('a policy that the schema rejects', () => {
  it('has its name, precedence, node selection and errors, but no entries', () => {
    const times = { generation: 4, creationTimestamp: '1970-01-01T00:00:01Z' };
    assert.deepEqual(read({ metadata: { ...metadata, ...times }, spec: { ...zoneB, priority: 5 } }), {
      id: 'macvtap-cni/p',
      generation: 4,
      priority: 5,
      createdMs: 1_000,
      entries: [],
      nodes: { labels: [{ key: 'zone', operator: 'In', values: ['b'] }], terms: undefined },
      namespaces: [],
      faults: [
        {
          code: 'SchemaFault',
          path: 'spec.parentSelector[0].quantity',
          severity: 'deny',
          reason: 'does not match the schema',
          detail: 'write a number from 1 to 4096',
        },
      ],
    });
  });

  it('has a valid precedence even if its fields have invalid values', () => {
    for (const odd of [null, 'x', 1.5, Number.POSITIVE_INFINITY, Number.NaN, {}]) {
      const policy = read({
        metadata: { ...metadata, generation: odd, creationTimestamp: odd },
        spec: { priority: odd },
      });
      assert.deepEqual(
        [policy.generation, policy.priority, policy.createdMs],
        [undefined, 99, Number.POSITIVE_INFINITY],
      );
    }
  });

  it('can be read even if almost all fields are missing', () => {
    for (const object of [
      undefined,
      null,
      5,
      [],
      {},
      { metadata: null, spec: null },
      { metadata: { name: 5, namespace: 5 } },
    ]) {
      assert.equal(read(object).id, 'default/');
      assert.deepEqual(
        read(object).faults.map(({ code }) => code),
        ['PolicyOutsideNamespace', 'SchemaFault'],
      );
    }
  });

  it('exposes nothing, and the nodes that it selects do not fall back to another source', () => {
    const given = {
      interfaces: [nic('eth0'), nic('eth1')],
      policies: [read({ metadata, spec: zoneB })],
      implicit: exposeAll,
    };
    const chosen = plan({ ...given, labels: { zone: 'b' } });
    assert.deepEqual([chosen.source, brief(chosen)], ['policy', []]);
    assert.deepEqual(
      chosen.skipped.map(({ code, policy, value }) => [code, policy, value]),
      [['PolicyInvalid', 'macvtap-cni/p', 'spec.parentSelector[0].quantity: SchemaFault']],
    );
    assert.equal(plan({ ...given, labels: { zone: 'a' } }).source, 'implicit');
  });

  it('selects every node if its selection is unreadable, while other policies still apply', () => {
    const unreadable = read({ metadata, spec: { ...zoneB, nodeSelector: 'zone=b' } });
    const given = { interfaces: [nic('eth0'), nic('eth1')], labels: { zone: 'a' }, implicit: exposeAll };
    assert.deepEqual(brief(plan({ ...given, policies: [unreadable] })), []);
    const sound = readAnyPolicy(
      { metadata: { ...metadata, name: 'q' }, spec: { parentSelector: [{ parentIface: 'eth1' }] } },
      context,
    );
    assert.deepEqual(brief(plan({ ...given, policies: [unreadable, sound] })), ['eth1=eth1/bridge/100']);
  });

  it('affects no node if it is in another namespace', () => {
    const stranger = read({ metadata: { name: 'p', namespace: 'tenant' }, spec: {} });
    const given = { interfaces: [nic('eth0')], policies: [stranger], implicit: exposeAll };
    assert.deepEqual(brief(plan(given)), ['eth0=eth0/bridge/100']);
  });
});

describe('a policy that breaks a rule', () => {
  it('selects all nodes with the label key, if the value of the label is invalid', () => {
    const spec = {
      parentSelector: [{ parentIface: 'eth0' }],
      nodeSelector: { matchLabels: { zone: null, rank: 1.5 } },
    };
    const given = {
      interfaces: [nic('eth0')],
      policies: [readAnyPolicy({ metadata, spec }, context)],
      implicit: exposeAll,
    };
    assert.equal(plan({ ...given, labels: { zone: 'a', rank: '1.5' } }).source, 'policy');
    assert.equal(plan({ ...given, labels: { zone: 'a' } }).source, 'implicit');
  });
});

describe('any object from the API server', () => {
  it('is read as a valid policy if it has the right shape', () => {
    const policy = readAnyPolicy({ metadata, spec: { parentSelector: [{ parentIface: 'eth0' }] } }, context);
    assert.deepEqual([policy.faults, policy.entries.length], [[], 1]);
  });

  it('is read as an invalid policy if it does not have the right shape', () => {
    const policy = readAnyPolicy({ metadata, spec: { parentSelector: { parentIface: 'eth0' } } }, context);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [['SchemaFault', 'spec.parentSelector']],
    );
  });
});
