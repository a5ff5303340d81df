// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import { pathText, schemaFaults } from './schema-faults.ts';

describe('the schema of a policy', () => {
  const rules = listFixtureRules('nodepolicy');
  for (const { title, object } of rules.flatMap((rule) => readFixtures('nodepolicy', rule, 'pass'))) {
    it(`accepts ${title}`, () => assert.deepEqual(schemaFaults('MacvtapNetworkNodePolicy', object), []));
  }

  for (const { title, object, expected } of readFixtures('nodepolicy', 'schema', 'fail')) {
    it(`refuses ${title} with errors at exactly the expected paths`, () => {
      const faults = schemaFaults('MacvtapNetworkNodePolicy', object);
      assert.deepEqual([...new Set(faults.map(({ text }) => text))].sort(), expected.toSorted());
    });
  }

  it('refuses an object without metadata, and a value that is not an object', () => {
    const faults = schemaFaults('MacvtapNetworkNodePolicy', { spec: { parentSelector: [{ parentIface: 'eth0' }] } });
    assert.deepEqual(faults.map(({ text }) => text).sort(), ['apiVersion', 'kind', 'metadata']);
    assert.deepEqual(
      schemaFaults('MacvtapNetworkNodePolicy', 5).map(({ text }) => text),
      [''],
    );
  });

  it('refuses keys that are names of inherited properties', () => {
    const object = JSON.parse(
      '{"apiVersion":"x","kind":"x","metadata":{},"spec":{"__proto__":{},"constructor":1,"parentSelector":[{"parentIface":"a"}]}}',
    );
    assert.deepEqual(
      schemaFaults('MacvtapNetworkNodePolicy', object).map(({ text }) => text),
      ['spec.__proto__', 'spec.constructor'],
    );
  });

  it('names the path of keys with slashes and tildes', () => {
    const faults = schemaFaults('MacvtapNetworkNodePolicy', {
      apiVersion: 'x',
      kind: 'x',
      metadata: {},
      spec: { parentSelector: [{ parentIface: 'a' }] },
      'a/b~c': 1,
    });
    assert.deepEqual(
      faults.map(({ path }) => path),
      [['a/b~c']],
    );
  });
});

describe('the schema of a node state', () => {
  const state = (interfaces: unknown) => ({
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name: 'h1' },
    status: { interfaces },
  });
  const textsOf = (interfaces: unknown) =>
    schemaFaults('MacvtapNetworkNodeState', state(interfaces)).map(({ text }) => text);

  it('accepts every interface name that the kernel accepts', () => {
    assert.deepEqual(textsOf(['é', '%', '"', '.100', 'eth0@if5', 'x'.repeat(15)].map((name) => ({ name }))), []);
  });

  it('refuses impossible interface names, and interfaces without a name', () => {
    assert.deepEqual(textsOf([{ name: 'x'.repeat(16) }, { kind: 'bond' }, { name: '' }]), [
      'status.interfaces[0].name',
      'status.interfaces[1].name',
      'status.interfaces[2].name',
    ]);
  });

  it('refuses items of a list with the same key, which an API server accepts', () => {
    assert.deepEqual(textsOf([{ name: 'eth0' }, { name: 'eth1' }, { name: 'eth0', mtu: 9000 }]), ['status.interfaces']);
    const twice = <Item>(item: Item): readonly Item[] => [item, item];
    const status = {
      interfaces: twice({ name: 'eth0' }),
      resources: twice({ name: 'net', source: 'policy', quantity: 1 }),
      skipped: twice({ name: 'a/b[0] eth0', code: 'NotFound' }),
      conflicts: twice({ name: 'a/b[0] eth0', code: 'NotFound' }),
      troubles: twice({ code: 'MacvtapUnsupported', message: '' }),
      observedPolicies: twice({ name: 'a/b', generation: 1 }),
    };
    const elsewhere = (mode: string) => ({ parent: 'eth1', mode, held: 1 });
    const held = (...heldElsewhere: readonly object[]) => ({
      ...state([]),
      status: { resources: [{ name: 'net', source: 'policy', quantity: 1, heldElsewhere }] },
    });
    assert.deepEqual(schemaFaults('MacvtapNetworkNodeState', held(elsewhere('bridge'), elsewhere('vepa'))), []);
    assert.deepEqual(
      schemaFaults('MacvtapNetworkNodeState', held(...twice(elsewhere('bridge')))).map(({ text }) => text),
      ['status.resources[0].heldElsewhere'],
    );
    const faults = schemaFaults('MacvtapNetworkNodeState', { ...state([]), status });
    assert.deepEqual(
      faults.map(({ text }) => text).sort(),
      Object.keys(status)
        .map((list) => `status.${list}`)
        .sort(),
    );
  });

  it('refuses items that are not objects', () => {
    assert.deepEqual(textsOf([null, 'eth0']), ['status.interfaces[0]', 'status.interfaces[1]']);
  });
});

describe('the message of a schema error', () => {
  const spec = (fields: object) => ({ apiVersion: 'x', kind: 'x', metadata: {}, spec: fields });
  const messageOf = (fields: object) => schemaFaults('MacvtapNetworkNodePolicy', spec(fields))[0]?.message;

  it('contains the fix', () => {
    const entry = { parentIface: 'a' };
    assert.match(messageOf({ parentSelector: [{ ...entry, mode: 'x' }] }) ?? '', /bridge, private, vepa, passthru/);
    assert.match(messageOf({ parentSelector: [{ parentIface: 5 }] }) ?? '', /quotes/);
    assert.match(messageOf({ parentSelector: 5 }) ?? '', /array/);
    assert.match(messageOf({ parentSelector: [] }) ?? '', /at least one/);
    assert.match(messageOf({}) ?? '', /add it/);
    assert.match(messageOf({ parentSelector: [{ ...entry, quantity: 5000 }] }) ?? '', /4096/);
  });

  it('has paths in the usual notation', () => {
    assert.equal(pathText(['spec', 'parentSelector', 0, 'mode']), 'spec.parentSelector[0].mode');
    assert.equal(pathText([]), '');
  });
});
