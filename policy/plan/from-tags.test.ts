// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, nic, plan, told } from '../../test/fixtures/plan/build-example.ts';
import { readTags, tagPrefix } from './from-tags.ts';

const interfaces = [nic('eth10'), nic('eth2', { altNames: ['lan'] }), nic('br0', { kind: 'bridge' })];

function planWith(tags: Readonly<Record<string, string>>) {
  return plan({
    interfaces,
    labels: Object.fromEntries(Object.entries(tags).map(([name, mode]) => [tagPrefix + name, mode])),
  });
}

it('tags are the labels with the prefix, in natural order', () => {
  const labels = {
    [`${tagPrefix}eth10`]: '',
    [`${tagPrefix}eth2`]: 'vepa',
    'parent_iface.macvtap.network.kubevirt.io/eth3': '',
    eth4: 'bridge',
  };
  assert.deepEqual(readTags(labels), [
    { interface: 'eth2', value: 'vepa' },
    { interface: 'eth10', value: '' },
  ]);
});

describe('a tag', () => {
  for (const [value, resource] of [
    ['', 'eth2=eth2/bridge/100'],
    ['bridge', 'eth2=eth2/bridge/100'],
    ['private', 'eth2=eth2/private/100'],
    ['vepa', 'eth2=eth2/vepa/100'],
    ['passthru', 'eth2=eth2/passthru/1'],
  ] as const) {
    it(`with the value "${value}" means ${resource}`, () => {
      assert.deepEqual(brief(planWith({ eth2: value })), [resource]);
    });
  }

  it('may name an interface of any kind, or by altname', () => {
    assert.deepEqual(brief(planWith({ lan: '', br0: '' })), ['br0=br0/bridge/100', 'lan=eth2/bridge/100']);
  });

  it('with an unknown mode or a missing interface is reported and exposes nothing', () => {
    const answer = planWith({ eth2: 'Bridge', eth9: '' });
    assert.deepEqual([answer.source, answer.resources], ['tag', []]);
    assert.deepEqual(answer.skipped, [
      { code: 'UnknownMode', source: 'tag', interface: 'eth2', value: 'Bridge' },
      { code: 'NothingFound', source: 'tag', interface: 'eth9' },
    ]);
  });

  it('with an unsuitable interface is reported with its code', () => {
    const tap = nic('mv0', { kind: 'macvlan' });
    const answer = plan({ interfaces: [tap], labels: { [`${tagPrefix}mv0`]: '' } });
    assert.deepEqual([brief(answer), told(answer.skipped)], [[], ['MacvtapOrMacvlan mv0']]);
  });
});
