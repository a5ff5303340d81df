// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, exposeAll, nic, plan, policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { readAnyPolicy, readBrokenPolicy } from './read-broken-policy.ts';

const context = { policyNamespace };
const faults = [{ path: 'spec.parentSelector[0].quantity', detail: 'write a number from 1 to 4096' }];
const metadata = { name: 'p', namespace: policyNamespace };
const entry = { parentIface: 'eth0', quantity: 5_000 };
const read = (object: unknown) => readBrokenPolicy(object, faults, context);
const zoneB = { parentSelector: [entry], nodeSelector: { matchLabels: { zone: 'b' } } };

describe('a policy that the schema refuses', () => {
  it('has its name, its order and its nodes, no entries, and every fault', () => {
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
          reason: 'not of the shape that the schema asks for',
          detail: 'write a number from 1 to 4096',
        },
      ],
    });
  });

  it('has an order among others whatever stands in its fields', () => {
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

  it('can be read however little of it there is', () => {
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

  it('exposes nothing, and keeps nodes that it selects to the white-list', () => {
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

  it('whose selection cannot be read keeps every node to the white-list; what other policies say still counts', () => {
    const unreadable = read({ metadata, spec: { ...zoneB, nodeSelector: 'zone=b' } });
    const given = { interfaces: [nic('eth0'), nic('eth1')], labels: { zone: 'a' }, implicit: exposeAll };
    assert.deepEqual(brief(plan({ ...given, policies: [unreadable] })), []);
    const sound = readAnyPolicy(
      { metadata: { ...metadata, name: 'q' }, spec: { parentSelector: [{ parentIface: 'eth1' }] } },
      context,
    );
    assert.deepEqual(brief(plan({ ...given, policies: [unreadable, sound] })), ['eth1=eth1/bridge/100']);
  });

  it('reaches no node from another namespace', () => {
    const stranger = read({ metadata: { name: 'p', namespace: 'tenant' }, spec: {} });
    const given = { interfaces: [nic('eth0')], policies: [stranger], implicit: exposeAll };
    assert.deepEqual(brief(plan(given)), ['eth0=eth0/bridge/100']);
  });
});

describe('a policy that breaks a rule', () => {
  it('keeps the nodes to the white-list whose label it may have meant', () => {
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

describe('whatever an API server sends', () => {
  it('is read as it is written where it has the shape', () => {
    const policy = readAnyPolicy({ metadata, spec: { parentSelector: [{ parentIface: 'eth0' }] } }, context);
    assert.deepEqual([policy.faults, policy.entries.length], [[], 1]);
  });

  it('is a broken policy where it has not', () => {
    const policy = readAnyPolicy({ metadata, spec: { parentSelector: { parentIface: 'eth0' } } }, context);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [['SchemaFault', 'spec.parentSelector']],
    );
  });
});
