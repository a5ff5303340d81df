// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { networksOf, parseNetworks, selectNetworks } from './parse-networks.ts';

const networks = 'k8s.v1.cni.cncf.io/networks';
const defaultNetwork = 'v1.multus-cni.io/default-network';

/** Annotations that Multus accepts, and the networks in them. */
const accepted: readonly [string, readonly string[]][] = [
  ['a', ['vms/a']],
  ['a,b', ['vms/a', 'vms/b']],
  [' a , other/b @ net1 ,  other / c ', ['vms/a', 'other/b', 'other/c']],
  ['a@net1,a@net2,a', ['vms/a', 'vms/a', 'vms/a']],
  ['a@', ['vms/a']],
  ['/a', ['vms/a']],
  ['a@eth0.100', ['vms/a']],
  ['[]', []],
  ['[{"name":"a"},{"name":"b","namespace":"other","interface":"net1","ips":["192.0.2.1/24"]}]', ['vms/a', 'other/b']],
  [' [ {"name" : "a", "namespace" : null, "default-route": []} ] ', ['vms/a']],
  ['[{"NAME":"a","NameSpace":"other"}]', ['other/a']],
  ['[{"name":"my.net"}]', ['vms/my.net']],
  ['[{"name":"a","name":"b"}]', ['vms/b']],
  ['[{"name":"a","__proto__":{"namespace":"x"}}]', ['vms/a']],
  ['null', ['vms/null']],
];

/** Annotations that Multus rejects, and the networks in them that are still readable. */
const refused: readonly [string, readonly string[], RegExp][] = [
  ['', [], /^"" is not of the form/],
  ['a,', ['vms/a'], /^"" is not of the form/],
  ['a/b/c', [], /"a\/b\/c" is not of the form/],
  ['a@b@c', [], /not of the form/],
  ['@net1', [], /not of the form/],
  ['   ', [], /^"" is not/],
  ['My_Net', ['vms/My_Net'], /allows only a-z, 0-9 and -/],
  ['a b', ['vms/a b'], /allows only a-z/],
  ['ns./a', ['ns./a'], /allows only a-z/],
  ['a@sixteen-letters-', ['vms/a'], /not a legal interface name/],
  ['a@net 1', ['vms/a'], /not a legal interface name/],
  ['[', [], /^not JSON: /],
  ['[{"name":"a"}', [], /^not JSON: /],
  ['{"name":"a"}', [], /^an object instead of a list$/],
  ['"a"', [], /^"a" instead of a list$/],
  ['[null,{"name":"a"}]', ['vms/a'], /^item 0 is null instead of an object$/],
  ['[["a"]]', [], /^item 0 is a list instead of an object$/],
  ['[{"namespace":"a"}]', [], /^item 0 has no name$/],
  ['[{"name":null}]', [], /has no name/],
  ['[{"name":1}]', [], /must be text/],
  ['[{"name":"a","namespace":[]}]', [], /must be text/],
  ['[{"name":"a","interface":{}}]', [], /must be text/],
];

describe('parseNetworks', () => {
  for (const [text, expected] of accepted) {
    it(`reads ${text}`, () => {
      const { networks: read, faults } = parseNetworks(text, 'vms');
      assert.deepEqual([read.map(({ namespace, name }) => `${namespace}/${name}`), faults], [expected, []]);
    });
  }

  for (const [text, expected, fault] of refused) {
    it(`reports the error in ${text}`, () => {
      const { networks: read, faults } = parseNetworks(text, 'vms');
      assert.deepEqual(
        read.map(({ namespace, name }) => `${namespace}/${name}`),
        expected,
      );
      assert.equal(faults.length, 1);
      assert.match(faults[0] ?? '', fault);
    });
  }

  it('reads 200 networks in either syntax', () => {
    const names = Array.from({ length: 200 }, (_, index) => `net-${index}`);
    for (const text of [names.join(', '), JSON.stringify(names.map((name) => ({ name })))]) {
      const { networks: read, faults } = parseNetworks(text, 'vms');
      assert.deepEqual([read.map(({ name }) => name), faults], [names, []]);
    }
  });

  it('reads the requested MAC address of a network, with any spelling of the key', () => {
    const text = '[{"name":"a","MAC":"02:00:00:00:00:01"},{"name":"b","mac":""},{"name":"c","mac":1}]';
    assert.deepEqual(
      parseNetworks(text, 'vms').networks.map(({ mac }) => mac),
      ['02:00:00:00:00:01', undefined, undefined],
    );
  });

  it('finishes for a long text and for a deeply nested text', () => {
    assert.equal(parseNetworks('['.repeat(20_000), 'vms').faults.length, 1);
    assert.match(parseNetworks(`a ${'b'.repeat(200_000)}`, 'vms').faults[0] ?? '', /^.{1,200}$/);
  });

  it('reads at most 1,024 networks, and reports that there are more', () => {
    const names = Array.from({ length: 1_025 }, (_, index) => `net-${index}`);
    for (const text of [names.join(), JSON.stringify(names.map((name) => ({ name })))]) {
      const { networks: read, faults } = parseNetworks(text, 'vms');
      assert.deepEqual([read.map(({ name }) => name), faults], [names.slice(0, -1), ['more than 1024 networks']]);
    }
    assert.equal(parseNetworks(','.repeat(200_000), 'vms').faults.length, 1_025);
  });

  it('reads nothing of a text that the API server would not store', () => {
    const longest = 'a,'.repeat(128 * 1024).slice(0, -1);
    assert.equal(parseNetworks(longest, 'vms').networks.length, 1_024);
    const { networks: read, faults } = parseNetworks(`${longest},b`, 'vms');
    assert.deepEqual([read, faults], [[], ['longer than the 262144 bytes of all annotations']]);
  });
});

describe('the networks of a pod', () => {
  const pod = (annotations: unknown, spec: unknown = {}) => ({ metadata: { namespace: 'vms', annotations }, spec });

  it('are the default network in the namespace of Multus, and the additional networks', () => {
    const both = pod({ [networks]: 'a,other/b', [defaultNetwork]: 'main' });
    assert.deepEqual(networksOf(both), [
      { namespace: 'kube-system', name: 'main' },
      { namespace: 'vms', name: 'a' },
      { namespace: 'other', name: 'b' },
    ]);
    assert.deepEqual(networksOf(both, { namespace: 'x', multusNamespace: 'multus' }).slice(0, 2), [
      { namespace: 'multus', name: 'main' },
      { namespace: 'x', name: 'a' },
    ]);
  });

  it('are in the namespace default if the pod has no namespace', () => {
    assert.deepEqual(networksOf({ metadata: { annotations: { [networks]: 'a' } } }), [
      { namespace: 'default', name: 'a' },
    ]);
  });

  it('have an error unless the default network is exactly one network', () => {
    const faultsOf = (text: string) => selectNetworks(pod({ [defaultNetwork]: text }), { namespace: 'vms' })[0]?.faults;
    assert.deepEqual(faultsOf('main'), []);
    assert.deepEqual(faultsOf('[]'), ['0 networks instead of one']);
    assert.deepEqual(faultsOf('main,other'), ['2 networks instead of one']);
    assert.deepEqual(faultsOf(''), ['"" is not of the form namespace/name@interface']);
  });

  it('are empty in the host network, with an error', () => {
    const inHost = pod({ [networks]: 'a' }, { hostNetwork: true });
    assert.deepEqual(networksOf(inHost), []);
    assert.equal(selectNetworks(inHost, { namespace: 'vms' })[0]?.faults.length, 1);
    assert.deepEqual(selectNetworks(pod({}, { hostNetwork: true }), { namespace: 'vms' }), []);
  });

  it('are empty if the annotations are absent, empty or have another type', () => {
    const hostile: readonly object[] = [
      {},
      { metadata: null },
      { metadata: 'x' },
      pod(null),
      pod([]),
      pod('text'),
      pod({ [networks]: null }),
      pod({ [networks]: '' }),
      pod({ [networks]: { a: 1 } }),
    ];
    for (const object of hostile) assert.deepEqual(networksOf(object), []);
  });
});
