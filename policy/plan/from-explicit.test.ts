// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, nic, plan, told } from '../../test/fixtures/plan/build-example.ts';
import { reasons } from '../reasons.ts';
import { explicitTrouble, findExplicitErrors, readExplicit } from './from-explicit.ts';

describe('the explicit configuration', () => {
  for (const text of ['', '  \n', '[]', 'null']) {
    it(`is absent if the text is ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readExplicit(text), { entries: [] });
    });
  }

  const faulty = [
    '{',
    '[',
    '{}',
    '"eth0"',
    '7',
    '[1]',
    '[null]',
    '[[]]',
    '[{"name":1}]',
    '[{"capacity":"5"}]',
    '[{"capacity":1.5}]',
  ];
  for (const text of faulty) {
    it(`cannot be read if the text is ${text}`, () => {
      assert.ok('fault' in readExplicit(text));
    });
  }

  for (const [text, fault, names] of [
    ['[{"name":"a"},\n  {"name":"b"},\n]', /^line 3, column 1: a comma before \]: remove the comma$/, ['a', 'b']],
    ['[{"name":"a" "lowerDevice":"eth0"}]', /^line 1, column 14: a comma is missing before "lowerDevice"$/, ['a']],
    ['\n {"NAME" : "a"}', /^line 2, column 2: an object where the \[ of a list is expected$/, ['a']],
    ['[{"name":"a"},7]', /^entry 1: 7 instead of an object$/, ['a']],
    ['[{"name":"a","capacity":"5"}]', /^entry 0 \(a\): capacity "5" instead of an integer$/, ['a']],
    ['[{"name":"a"},{"name":"b","mode":true}]', /^entry 1 \(b\): mode true instead of text$/, ['a', 'b']],
    ['[{"name":5}]', /^entry 0: name 5 instead of text$/, []],
  ] as const) {
    it(`reports the position of the error and the resource names in ${JSON.stringify(text)}`, () => {
      const config = readExplicit(text);
      assert.match('fault' in config ? config.fault : '', fault);
      assert.deepEqual('fault' in config && config.names, names);
      assert.deepEqual(findExplicitErrors(config), [{ text: 'fault' in config && config.fault, names }]);
    });
  }

  it('has an error for each unknown mode; for repeated names, only the last entry counts', () => {
    const entries = ['a', 'a', 'b', 'c'].map((name) => ({
      name,
      lowerDevice: 'eth0',
      mode: name === 'c' ? '' : 'Vepa',
    }));
    const errors = findExplicitErrors(readExplicit(JSON.stringify(entries)));
    assert.deepEqual(errors, [
      { text: `entry 1 (a): mode "Vepa" is ${reasons.UnknownMode}`, names: ['a'] },
      { text: `entry 2 (b): mode "Vepa" is ${reasons.UnknownMode}`, names: ['b'] },
    ]);
    assert.deepEqual(findExplicitErrors(undefined), []);
  });

  it('has a message with the first errors and the command to fix them', () => {
    assert.equal(explicitTrouble([], 'macvtap-cni'), undefined);
    assert.equal(
      explicitTrouble(['a', 'b', 'c', 'd'], 'macvtap-cni'),
      'the explicit configuration is invalid: a; b; c; and 1 more; to fix it, run kubectl edit configmap macvtap-deviceplugin-config -n macvtap-cni',
    );
  });

  it('has the mode bridge and a capacity of 100 by default', () => {
    assert.deepEqual(readExplicit('[{"name":"a","lowerDevice":"eth0"}]'), {
      entries: [{ index: 0, name: 'a', lowerDevice: 'eth0', mode: 'bridge', value: '', quantity: 100 }],
    });
  });

  for (const [capacity, quantity] of [
    [-5, 100],
    [0, 100],
    [null, 100],
    [1, 1],
    [5000, 5000],
  ] as const) {
    it(`reads a capacity of ${capacity} as ${quantity}`, () => {
      const config = readExplicit(JSON.stringify([{ name: 'a', lowerDevice: 'b', capacity }]));
      assert.deepEqual('entries' in config && config.entries.map((entry) => entry.quantity), [quantity]);
    });
  }

  it('may have keys in any case, and unknown keys are ignored', () => {
    const config = readExplicit('[{"NAME":"a","LowerDEVICE":"eth0","Mode":"vepa","capacity":3,"__proto__":{},"x":1}]');
    assert.deepEqual(config, {
      entries: [{ index: 0, name: 'a', lowerDevice: 'eth0', mode: 'vepa', value: 'vepa', quantity: 3 }],
    });
  });

  it('has the last value of repeated keys, and null is ignored', () => {
    const config = readExplicit(
      '[{"name":"a","NAME":"b","name":"c","lowerDevice":"eth0","LOWERDEVICE":null,"mode":"vepa","mode":null}]',
    );
    assert.deepEqual(config, {
      entries: [{ index: 0, name: 'c', lowerDevice: 'eth0', mode: 'vepa', value: 'vepa', quantity: 100 }],
    });
  });

  it('cannot be read if any value of a repeated key has the wrong type', () => {
    assert.ok('fault' in readExplicit('[{"name":5,"name":"a","lowerDevice":"eth0"}]'));
  });

  it('contains the text of an unknown mode', () => {
    const config = readExplicit('[{"name":"a","lowerDevice":"eth0","mode":"Bridge"}]');
    assert.deepEqual('entries' in config && config.entries.map(({ mode, value }) => [mode, value]), [
      [undefined, 'Bridge'],
    ]);
  });
});

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

  it('may use kinds of links that are not exposed implicitly', () => {
    const answer = plan({ interfaces: [nic('v0', { kind: 'veth' })], explicit: '[{"name":"v","lowerDevice":"v0"}]' });
    assert.deepEqual(brief(answer), ['v=v0/bridge/100']);
  });

  it('come from the last entry if a name is repeated; the earlier entries are reported', () => {
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

  it('do not exist if the last entry of a name finds no interface', () => {
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

  it('have one device in passthru mode, and a larger quantity is reported', () => {
    const answer = planWith({ name: 'a', lowerDevice: 'eth0', mode: 'passthru', capacity: 10 });
    assert.deepEqual(brief(answer), ['a=eth0/passthru/1']);
    assert.deepEqual(told(answer.skipped), ['PassthruQuantity']);
  });

  it('have at most as many devices as a policy may request', () => {
    const answer = planWith({ name: 'a', lowerDevice: 'eth0', capacity: 1_000_000_000 });
    assert.deepEqual(brief(answer), ['a=eth0/bridge/4096']);
    assert.deepEqual(told(answer.skipped), ['QuantityAboveLimit']);
  });

  it('get a passthru parent in the order of the configuration', () => {
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

it('a configuration that cannot be read exposes nothing, and the node does not use the next source', () => {
  const answer = plan({ interfaces, explicit: '[{' });
  assert.deepEqual([answer.source, brief(answer), told(answer.skipped)], ['explicit', [], ['ExplicitInvalid']]);
});
