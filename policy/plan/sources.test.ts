// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, nic, plan, policy, told } from '../../test/fixtures/plan/build-example.ts';

const interfaces = [nic('eth0'), nic('eth1')];
const labels = { 'parent-iface.macvtap.network.kubevirt.io/eth1': 'vepa' };
const explicit = '[{"name":"data","lowerDevice":"eth0"}]';
const policies = [policy('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'fast' }] })];
const elsewhere = [
  policy('p', { parentSelector: [{ parentIface: 'eth1' }], nodeSelector: { matchLabels: { zone: 'z' } } }),
];

describe('the first source that applies to the node wins', () => {
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
    it(`of ${Object.keys(given).join(', ') || 'nothing'}${'explicit' in given ? ` (${given.explicit})` : ''} it is ${source}`, () => {
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

describe('the white-list', () => {
  it('exposes nothing where the policies of a node find nothing', () => {
    const absent = [policy('p', { parentSelector: [{ parentIface: 'bond9' }] })];
    const answer = plan({ interfaces, policies: absent, explicit, labels });
    assert.deepEqual([answer.source, answer.resources], ['policy', []]);
    assert.deepEqual(told(answer.skipped), ['NothingFound bond9']);
  });

  it('is the union of the policies that select the node', () => {
    const second = policy('q', { parentSelector: [{ parentIface: 'eth0', mode: 'vepa' }] });
    assert.deepEqual(brief(plan({ interfaces, policies: [...policies, second, ...elsewhere] })), [
      'eth0=eth0/vepa/100',
      'fast=eth1/bridge/100',
    ]);
  });

  it('holds for an explicit configuration and for tags of which nothing is there', () => {
    const config = plan({ interfaces, explicit: '[{"name":"a","lowerDevice":"eth9"}]' });
    assert.deepEqual([config.source, config.resources], ['explicit', []]);
    const tag = plan({ interfaces, labels: { 'parent-iface.macvtap.network.kubevirt.io/eth9': '' } });
    assert.deepEqual([tag.source, tag.resources], ['tag', []]);
  });
});

describe('a policy outside the installation namespace', () => {
  const stranger = policy('p', { parentSelector: [{ parentIface: 'eth1' }] }, { namespace: 'tenant' });

  it('does not count, not even as a white-list, and is reported', () => {
    const answer = plan({ interfaces, policies: [stranger] });
    assert.equal(answer.source, 'implicit');
    assert.deepEqual(answer.skipped, [{ code: 'PolicyOutsideNamespace', source: 'policy', policy: 'tenant/p' }]);
  });

  it('does not disturb one that counts', () => {
    assert.deepEqual(brief(plan({ interfaces, policies: [stranger, ...policies] })), ['fast=eth1/bridge/100']);
  });
});
