// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { readFixtures } from '../../test/fixtures/read-fixtures.ts';
import { readObject } from './read-object.ts';

const metadata = { name: 'p', namespace: policyNamespace };
const zone = { nodeSelector: { matchLabels: { zone: 'b' } } };

function read(spec: unknown, fields: object = {}) {
  const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
  const object = { apiVersion, kind: 'MacvtapNetworkNodePolicy', metadata: { ...metadata, ...fields }, spec };
  const answer = readObject(object, policyNamespace);
  assert.ok(answer?.known?.kind === 'MacvtapNetworkNodePolicy');
  return { policy: answer.known.value, faults: answer.faults ?? [] };
}

describe('a policy that the schema refuses', () => {
  it('is known all the same, with its nodes and nothing to expose, and every fault is told at its place', () => {
    const { policy, faults } = read({
      ...zone,
      parentSelector: [{ parentIface: 'eth0', quantity: 5_000, moed: 'vepa' }],
    });
    assert.deepEqual([policy.id, policy.entries], [`${policyNamespace}/p`, []]);
    assert.deepEqual(policy.nodes.labels, [{ key: 'zone', operator: 'In', values: ['b'] }]);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [
        ['SchemaFault', 'spec.parentSelector[0].moed'],
        ['SchemaFault', 'spec.parentSelector[0].quantity'],
      ],
    );
    assert.deepEqual(
      faults.map(({ path, message }) => [path.at(-1), message.split(': ')[0]]),
      [
        ['moed', 'spec.parentSelector[0].moed'],
        ['quantity', 'spec.parentSelector[0].quantity'],
      ],
    );
  });

  it('is known for every fixture that the schema refuses', () => {
    for (const { title, object } of readFixtures('nodepolicy', 'schema', 'fail')) {
      const answer = readObject(object, policyNamespace);
      assert.ok(answer?.known?.kind === 'MacvtapNetworkNodePolicy', title);
      assert.ok(answer.known.value.faults.length > 0 && (answer.faults ?? []).length > 0, title);
    }
  });

  it('selects every node where its selection cannot be read', () => {
    for (const selection of [{ nodeSelector: 'zone=b' }, { nodeSelectr: zone.nodeSelector }, { nodeAffinity: [] }]) {
      const { policy } = read({ ...selection, parentSelector: [{ parentIface: 'eth0' }] });
      assert.deepEqual(policy.nodes, { labels: [], terms: undefined });
    }
  });

  it('is told to stand outside the namespace of the installation too', () => {
    const { policy, faults } = read({ ...zone }, { namespace: 'tenant' });
    assert.equal(policy.faults[0]?.code, 'PolicyOutsideNamespace');
    assert.deepEqual(
      faults.map(({ path }) => path.join('.')),
      ['metadata.namespace', 'spec.parentSelector'],
    );
  });
});

describe('a policy whose metadata an API server would refuse', () => {
  it('keeps its nodes and exposes nothing', () => {
    const spec = { ...zone, parentSelector: [{ parentIface: 'eth0' }] };
    const { policy, faults } = read(spec, { labels: { a: true }, annotations: [] });
    assert.deepEqual([policy.entries, policy.nodes.labels.length], [[], 1]);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [
        ['SchemaFault', 'metadata.labels.a'],
        ['SchemaFault', 'metadata.annotations'],
      ],
    );
    assert.equal(faults.length, 2);
  });
});

describe('a policy that breaks a rule', () => {
  it('keeps the nodes that it may have meant', () => {
    const selection = { nodeSelector: { matchLabels: { zone: null, rank: 1.5 } } };
    const { policy, faults } = read({ ...selection, parentSelector: [{ parentIface: 'eth0' }] });
    assert.deepEqual(
      policy.nodes.labels.map(({ key, operator }) => [key, operator]),
      [
        ['zone', 'Exists'],
        ['rank', 'Exists'],
      ],
    );
    assert.deepEqual(
      faults.map(({ path }) => path.at(-1)),
      ['zone', 'rank'],
    );
  });
});
