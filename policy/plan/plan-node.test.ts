// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, entries, nic, plan, policy, told } from '../../test/fixtures/plan/build-example.ts';
import { comparePolicies } from './from-policies.ts';

const interfaces = [nic('eth0'), nic('eth1')];
const labels = { 'parent-iface.macvtap.network.kubevirt.io/eth1': 'vepa' };
const explicit = '[{"name":"data","lowerDevice":"eth0"}]';
const policies = [policy('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'fast' }] })];
const elsewhere = [
  policy('p', { parentSelector: [{ parentIface: 'eth1' }], nodeSelector: { matchLabels: { zone: 'z' } } }),
];

describe('the first source that applies to the node', () => {
  const table = [
    { given: { policies, explicit, labels }, source: 'policy', resources: ['fast=eth1/bridge/100'] },
    { given: { policies: elsewhere, explicit, labels }, source: 'explicit', resources: ['data=eth0/bridge/100'] },
    { given: { explicit, labels }, source: 'explicit', resources: ['data=eth0/bridge/100'] },
    { given: { explicit: '', labels }, source: 'tag', resources: ['eth1=eth1/vepa/100'] },
    { given: { explicit: '[]', labels }, source: 'tag', resources: ['eth1=eth1/vepa/100'] },
    { given: { labels }, source: 'tag', resources: ['eth1=eth1/vepa/100'] },
    { given: {}, source: 'implicit', resources: ['eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'] },
    { given: { explicit: '[]' }, source: 'implicit', resources: ['eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'] },
    { given: { implicit: undefined }, source: 'none', resources: [] },
    { given: { implicit: undefined, labels }, source: 'tag', resources: ['eth1=eth1/vepa/100'] },
  ] as const;
  for (const { given, source, resources } of table) {
    it(`is ${source} for ${Object.keys(given).join(', ') || 'no source'}${'explicit' in given ? ` (${given.explicit})` : ''}`, () => {
      const answer = plan({ interfaces, ...given });
      assert.equal(answer.source, source);
      assert.deepEqual(brief(answer), resources);
      assert.deepEqual(
        new Set(answer.resources.map((resource) => resource.source)),
        new Set(resources.length === 0 ? [] : [source]),
      );
    });
  }
});

describe('a node to which a source applies', () => {
  it('exposes nothing if its policies find nothing', () => {
    const absent = [policy('p', { parentSelector: [{ parentIface: 'bond9' }] })];
    const answer = plan({ interfaces, policies: absent, explicit, labels });
    assert.deepEqual([answer.source, answer.resources], ['policy', []]);
    assert.deepEqual(told(answer.skipped), ['NothingFound bond9']);
  });

  it('exposes the resources of all policies that select it', () => {
    const second = policy('q', { parentSelector: [{ parentIface: 'eth0', mode: 'vepa' }] });
    assert.deepEqual(brief(plan({ interfaces, policies: [...policies, second, ...elsewhere] })), [
      'eth0=eth0/vepa/100',
      'fast=eth1/bridge/100',
    ]);
  });

  it('exposes nothing if the explicit configuration or the tags name no existing interface', () => {
    const config = plan({ interfaces, explicit: '[{"name":"a","lowerDevice":"eth9"}]' });
    assert.deepEqual([config.source, config.resources], ['explicit', []]);
    const tag = plan({ interfaces, labels: { 'parent-iface.macvtap.network.kubevirt.io/eth9': '' } });
    assert.deepEqual([tag.source, tag.resources], ['tag', []]);
  });
});

describe('a policy outside the installation namespace', () => {
  const stranger = policy('p', { parentSelector: [{ parentIface: 'eth1' }] }, { namespace: 'tenant' });

  it('has no effect, so the node uses the next source, and is reported', () => {
    const answer = plan({ interfaces, policies: [stranger] });
    assert.equal(answer.source, 'implicit');
    assert.deepEqual(answer.skipped, [{ code: 'PolicyOutsideNamespace', source: 'policy', policy: 'tenant/p' }]);
  });

  it('does not affect a policy in the namespace of the installation', () => {
    assert.deepEqual(brief(plan({ interfaces, policies: [stranger, ...policies] })), ['fast=eth1/bridge/100']);
  });
});

const on = (name: string, parentIface: string, priority?: number, creationTimestamp?: string) =>
  policy(
    name,
    { parentSelector: [{ parentIface, resourceName: 'data' }], ...(priority !== undefined && { priority }) },
    creationTimestamp === undefined ? {} : { creationTimestamp },
  );

describe('two policies with a resource of the same name', () => {
  const table = [
    {
      rule: 'the one with the lower priority value wins',
      loser: on('a', 'eth0', 10, '2020-01-01T00:00:00Z'),
      winner: on('b', 'eth1', 9, '2024-01-01T00:00:00Z'),
    },
    { rule: 'an absent priority is 99', loser: on('a', 'eth0'), winner: on('b', 'eth1', 98) },
    {
      rule: 'then the older one wins',
      loser: on('a', 'eth0', 9, '2024-01-01T00:00:01Z'),
      winner: on('b', 'eth1', 9, '2024-01-01T00:00:00Z'),
    },
    {
      rule: 'one without a creation time is the newest',
      loser: on('a', 'eth0', 9),
      winner: on('b', 'eth1', 9, '2024-01-01T00:00:00Z'),
    },
    {
      rule: 'then the name',
      loser: on('b', 'eth0', 9, '2024-01-01T00:00:00Z'),
      winner: on('a', 'eth1', 9, '2024-01-01T00:00:00Z'),
    },
    { rule: 'if neither has a creation time, the first by name wins', loser: on('b', 'eth0'), winner: on('a', 'eth1') },
  ];
  for (const { rule, loser, winner } of table) {
    it(rule, () => {
      for (const policies of [
        [loser, winner],
        [winner, loser],
      ]) {
        const answer = plan({ interfaces, policies });
        assert.deepEqual(brief(answer), ['data=eth1/bridge/100']);
        assert.deepEqual(answer.conflicts, [
          {
            code: 'ResourceNameTaken',
            source: 'policy',
            policy: loser.id,
            entry: 0,
            interface: 'eth0',
            resource: 'data',
            by: winner.id,
          },
        ]);
      }
      assert.ok(comparePolicies(winner, loser) < 0 && comparePolicies(loser, winner) > 0);
      assert.equal(comparePolicies(winner, winner), 0);
    });
  }

  it('do not conflict if the first finds nothing', () => {
    const answer = plan({ interfaces, policies: [on('a', 'eth9', 1), on('b', 'eth1', 2)] });
    assert.deepEqual([brief(answer), answer.conflicts], [['data=eth1/bridge/100'], []]);
  });
});

describe('a passthru resource', () => {
  const passthru = { parentIface: 'eth0', mode: 'passthru', resourceName: 'whole' } as const;
  const bridge = { parentIface: 'eth0', resourceName: 'shared' } as const;

  it('excludes every later resource from its parent', () => {
    const answer = plan({ interfaces, policies: [entries(passthru, bridge, { ...passthru, resourceName: 'again' })] });
    assert.deepEqual(brief(answer), ['whole=eth0/passthru/1']);
    assert.deepEqual(
      answer.conflicts.map(({ code, resource, by, entry }) => ({ code, resource, by, entry })),
      [
        { code: 'PassthruExclusive', resource: 'shared', by: 'whole', entry: 1 },
        { code: 'PassthruExclusive', resource: 'again', by: 'whole', entry: 2 },
      ],
    );
  });

  it('loses its parent to an earlier resource, even of another policy', () => {
    const policies = [
      policy('a', { parentSelector: [passthru], priority: 50 }),
      policy('b', { parentSelector: [bridge], priority: 5 }),
    ];
    const answer = plan({ interfaces, policies });
    assert.deepEqual(brief(answer), ['shared=eth0/bridge/100']);
    assert.deepEqual(
      answer.conflicts.map(({ code, policy: id, by }) => ({ code, id, by })),
      [{ code: 'PassthruExclusive', id: 'macvtap-cni/a', by: 'shared' }],
    );
  });

  it('does not occupy its parent if it lost the conflict over its name', () => {
    const policies = [
      policy('a', { parentSelector: [{ parentIface: 'eth1', resourceName: 'whole' }], priority: 1 }),
      policy('b', { parentSelector: [passthru, bridge], priority: 2 }),
    ];
    assert.deepEqual(brief(plan({ interfaces, policies })), ['shared=eth0/bridge/100', 'whole=eth1/bridge/100']);
  });

  it('does not affect resources that share another parent', () => {
    const answer = plan({
      interfaces,
      policies: [entries(passthru, { parentIface: 'eth1' }, { parentIface: 'eth1', resourceName: 'two' })],
    });
    assert.deepEqual(brief(answer), ['eth1=eth1/bridge/100', 'two=eth1/bridge/100', 'whole=eth0/passthru/1']);
    assert.deepEqual(answer.conflicts, []);
  });
});
