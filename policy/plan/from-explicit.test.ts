// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, nic, plan, told } from '../../test/fixtures/plan/build-example.ts';

const interfaces = [nic('eth0', { altNames: ['lan'] }), nic('eth1', { addresses: ['192.0.2.1/24'] })];

function planWith(...config: readonly Record<string, unknown>[]) {
  return plan({ interfaces, explicit: JSON.stringify(config) });
}

describe('resources of the explicit configuration', () => {
  it('have the name, the parent, the mode and the capacity of their entry', () => {
    assert.deepEqual(
      brief(planWith({ name: 'a', lowerDevice: 'eth0', mode: 'vepa', capacity: 5 }, { name: 'b', lowerDevice: 'lan' })),
      ['a=eth0/vepa/5', 'b=eth0/bridge/100'],
    );
  });

  it('may differ from the kind of links that are exposed implicitly', () => {
    const answer = plan({ interfaces: [nic('v0', { kind: 'veth' })], explicit: '[{"name":"v","lowerDevice":"v0"}]' });
    assert.deepEqual(brief(answer), ['v=v0/bridge/100']);
  });

  it('are those of the last entry where a name repeats; the earlier ones are reported', () => {
    const answer = planWith(
      { name: 'a', lowerDevice: 'eth0' },
      { name: 'a', lowerDevice: 'eth1' },
      { name: 'a', lowerDevice: 'eth0', mode: 'private' },
    );
    assert.deepEqual(brief(answer), ['a=eth0/private/100']);
    assert.deepEqual(answer.skipped, [
      { code: 'RepeatedName', source: 'explicit', entry: 0, resource: 'a' },
      { code: 'RepeatedName', source: 'explicit', entry: 1, resource: 'a' },
    ]);
  });

  it('are nothing where the last entry of a name finds nothing', () => {
    const answer = planWith({ name: 'a', lowerDevice: 'eth0' }, { name: 'a', lowerDevice: 'eth9' });
    assert.deepEqual(brief(answer), []);
    assert.deepEqual(told(answer.skipped), ['RepeatedName', 'NothingFound eth9']);
  });

  it('need a mode that exists, a suitable parent and a legal name', () => {
    const answer = planWith(
      { name: 'a', lowerDevice: 'eth0', mode: 'source' },
      { name: 'b', lowerDevice: 'eth1', mode: 'passthru', capacity: 1 },
      { name: 'no name', lowerDevice: 'eth0' },
      { lowerDevice: 'eth0' },
      { name: 'c' },
    );
    assert.deepEqual(brief(answer), []);
    assert.deepEqual(
      answer.skipped.map(({ code, entry }) => [entry, code]),
      [
        [0, 'UnknownMode'],
        [1, 'CarriesNodeTraffic'],
        [2, 'IllegalResourceName'],
        [3, 'IllegalResourceName'],
        [4, 'NothingFound'],
      ],
    );
    assert.equal(answer.skipped[0]?.value, 'source');
  });

  it('carry one device in passthru, and tell that they were lowered', () => {
    const answer = planWith({ name: 'a', lowerDevice: 'eth0', mode: 'passthru', capacity: 10 });
    assert.deepEqual(brief(answer), ['a=eth0/passthru/1']);
    assert.deepEqual(told(answer.skipped), ['PassthruQuantity']);
  });

  it('have at most as many devices as a policy may ask for', () => {
    const answer = planWith({ name: 'a', lowerDevice: 'eth0', capacity: 1_000_000_000 });
    assert.deepEqual(brief(answer), ['a=eth0/bridge/4096']);
    assert.deepEqual(told(answer.skipped), ['QuantityAboveLimit']);
  });

  it('conflict over a passthru parent in the order of the configuration', () => {
    const answer = planWith(
      { name: 'z', lowerDevice: 'eth0', mode: 'passthru', capacity: 1 },
      { name: 'a', lowerDevice: 'eth0' },
    );
    assert.deepEqual(brief(answer), ['z=eth0/passthru/1']);
    assert.deepEqual(answer.conflicts, [
      { code: 'PassthruExclusive', source: 'explicit', entry: 1, interface: 'eth0', resource: 'a', by: 'z' },
    ]);
  });
});

it('a configuration that cannot be read exposes nothing and does not fall through', () => {
  const answer = plan({ interfaces, explicit: '[{' });
  assert.deepEqual([answer.source, brief(answer), told(answer.skipped)], ['explicit', [], ['ExplicitInvalid']]);
});
