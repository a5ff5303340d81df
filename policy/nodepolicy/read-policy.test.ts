// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entries, policy } from '../../test/fixtures/plan/build-example.ts';

describe('a policy read', () => {
  it('has every default written out', () => {
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

  it('keeps a priority of 0, its time and its generation', () => {
    const read = policy(
      'p',
      { parentSelector: [{ parentIface: 'eth0' }], priority: 0 },
      { creationTimestamp: '1970-01-01T00:00:01Z', generation: 3 },
    );
    assert.deepEqual([read.priority, read.createdMs, read.generation], [0, 1_000, 3]);
  });

  it('gives the name of the resource-centric form to each entry', () => {
    const read = policy('p', { parentSelector: [{ parentIface: 'a' }, { parentIface: 'b' }], resourceName: 'data' });
    assert.equal(read.resourceName, 'data');
    assert.deepEqual(
      read.entries.map(({ resourceName }) => resourceName),
      ['data', 'data'],
    );
  });

  it('has the namespaces whose pods may use it as requirements', () => {
    const read = policy('p', {
      parentSelector: [{ parentIface: 'a' }],
      namespaceSelector: { matchLabels: { vms: true }, matchExpressions: [{ key: 'team', operator: 'Exists' }] },
    });
    assert.deepEqual(read.namespaces, [
      { key: 'vms', operator: 'In', values: ['true'] },
      { key: 'team', operator: 'Exists', values: [] },
    ]);
  });

  it('tells its faults and can be read all the same', () => {
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
