// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { readManifestFile } from './read-manifests.ts';

const policyHead = `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata:
  name: p
  namespace: macvtap-cni
`;

function read(text: string) {
  const { objects, faults } = readManifestFile('a.yaml', text, policyNamespace);
  return {
    ids: objects.map(({ id }) => id),
    where: faults.map(({ where }) => where),
    messages: faults.map(({ message }) => message),
  };
}

describe('a file of manifests', () => {
  it('may contain several objects, and lists as kubectl prints them', () => {
    const text = `apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Node, metadata: { name: h1, labels: { a: b } } }
  - { apiVersion: v1, kind: Pod, metadata: { name: x } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: vms } }
---
apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicyList
items:
  - apiVersion: macvtap.network.kubevirt.io/v1alpha1
    kind: MacvtapNetworkNodePolicy
    metadata: { name: p, namespace: macvtap-cni }
    spec: { parentSelector: [{ parentIface: eth0 }] }
`;
    const { objects, faults } = readManifestFile('a.yaml', text, policyNamespace);
    assert.deepEqual(faults, []);
    assert.deepEqual(
      objects.map(({ id, where }) => [id, where]),
      [
        ['Node h1', 'a.yaml, document 1, line 4'],
        ['Namespace vms', 'a.yaml, document 1, line 6'],
        ['MacvtapNetworkNodePolicy macvtap-cni/p', 'a.yaml, document 2, line 11'],
      ],
    );
  });

  it('may contain kinds that are not read, even if they have the name of a core kind', () => {
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: { name: x }
---
apiVersion: longhorn.io/v1beta2
kind: Node
metadata: { name: h1, labels: { a: 5 } }
---
kind: List
`;
    assert.deepEqual(read(text), { ids: [], where: [], messages: [] });
  });

  it('provides its valid documents even if another one is invalid', () => {
    const text =
      'apiVersion: v1\nkind: Node\nmetadata: { name: h1 }\n---\na: [\n---\napiVersion: v1\nkind: Node\nmetadata: { name: h2 }\n';
    const answer = read(text);
    assert.deepEqual(answer.ids, ['Node h1', 'Node h2']);
    assert.deepEqual(answer.where, ['a.yaml, document 2, line 6']);
  });
});

describe('an error has the file, the document, the line of the field, and the object', () => {
  const id = 'MacvtapNetworkNodePolicy macvtap-cni/p: ';
  const table: readonly { title: string; text: string; line: number; says: RegExp }[] = [
    { title: 'a list instead of an object', text: '\n- a\n', line: 2, says: /^document: not a Kubernetes object/ },
    { title: 'a bare text', text: 'hello', line: 1, says: /^document: / },
    { title: 'no kind', text: 'apiVersion: v1\nmetadata:\n  name: a\n', line: 1, says: /^document: kind: missing/ },
    {
      title: 'an unknown kind of the group',
      text: 'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapPolicy\n',
      line: 2,
      says: /MacvtapPolicy: kind: not a kind of/,
    },
    {
      title: 'no name',
      text: 'apiVersion: v1\nkind: Node\nmetadata:\n  labels: {}\n',
      line: 3,
      says: /^Node: metadata.name: missing/,
    },
    {
      title: 'an empty name',
      text: 'apiVersion: v1\nkind: Node\nmetadata:\n  name: ""\n',
      line: 4,
      says: /^Node: metadata.name: missing/,
    },
    {
      title: 'no API version',
      text: 'kind: Node\nmetadata:\n  name: a\n',
      line: 1,
      says: /^Node: apiVersion: set it to v1$/,
    },
    {
      title: 'an API version of another group',
      text: 'kind: MacvtapNetworkNodePolicy\n\napiVersion: macvtap.network.kubevirt.oi/v1alpha1\n',
      line: 3,
      says: /apiVersion: set it to macvtap.network.kubevirt.io\/v1alpha1$/,
    },
    {
      title: 'an unquoted boolean label',
      text: 'apiVersion: v1\nkind: Node\nmetadata:\n  name: h1\n  labels:\n    zone: a\n    macvtapAware: true\n',
      line: 7,
      says: /^Node h1: metadata.labels.macvtapAware: not a string/,
    },
    {
      title: 'labels that are a list',
      text: 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: vms\n  labels: [a]\n',
      line: 5,
      says: /^Namespace vms: metadata.labels: /,
    },
    {
      title: 'an annotation that is a number',
      text: 'apiVersion: v1\nkind: Node\nmetadata:\n  name: h1\n  annotations:\n    a: "1"\n    b: 2\n',
      line: 7,
      says: /annotations.b/,
    },
    {
      title: 'an unknown field',
      text: `${policyHead}spec:\n  parentSelector:\n    - parentIface: eth0\n      moed:\n        vepa\n`,
      line: 9,
      says: /spec.parentSelector\[0\].moed: no such field/,
    },
    {
      title: 'an unknown field with a block below',
      text: `${policyHead}spec:\n  parentSelectr:\n    - parentIface: eth0\n  parentSelector:\n    - parentIface: eth0\n`,
      line: 7,
      says: /spec.parentSelectr: no such field/,
    },
    {
      title: 'a missing field',
      text: `${policyHead}spec:\n  priority: 5\n`,
      line: 6,
      says: /spec.parentSelector: missing/,
    },
    { title: 'no spec', text: policyHead, line: 1, says: /spec: missing/ },
    {
      title: 'a wrong type',
      text: `${policyHead}spec:\n  parentSelector:\n    - parentIface: eth0\n      quantity: "5"\n`,
      line: 9,
      says: /quantity: not of type integer/,
    },
    {
      title: 'an unknown mode',
      text: `${policyHead}spec:\n  parentSelector:\n    - parentIface: eth0\n    - parentIface: eth1\n      mode: source\n`,
      line: 10,
      says: /parentSelector\[1\].mode: write one of bridge/,
    },
    {
      title: 'a quantity out of bounds',
      text: `${policyHead}spec:\n  parentSelector:\n    - quantity: 5000\n      parentIface: eth0\n`,
      line: 8,
      says: /quantity: write a number from 1 to 4096/,
    },
    {
      title: 'an empty list',
      text: `${policyHead}spec:\n  parentSelector: []\n`,
      line: 7,
      says: /parentSelector: empty/,
    },
    {
      title: 'a rule of an entry',
      text: `${policyHead}spec:\n  parentSelector:\n    - parentIface: eth0\n    - mode: vepa\n`,
      line: 9,
      says: /spec.parentSelector\[1\]: ParentAmbiguous/,
    },
    {
      title: 'a rule of a glob',
      text: `${policyHead}spec:\n  parentSelector:\n    - nicSelector:\n        names:\n          - ens*\n          - ens[\n`,
      line: 11,
      says: /names\[1\]: BadGlob/,
    },
    {
      title: 'a rule of a label',
      text: `${policyHead}spec:\n  parentSelector: [{ parentIface: eth0 }]\n  nodeSelector:\n    matchLabels:\n      zone: a\n      example.com/rank: 1.5\n`,
      line: 11,
      says: /BadSelectorValue/,
    },
    {
      title: 'the wrong namespace',
      text: 'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodePolicy\nmetadata:\n  name: p\n  namespace: tenant\nspec:\n  parentSelector: [{ parentIface: eth0 }]\n',
      line: 5,
      says: /tenant\/p: metadata.namespace: PolicyOutsideNamespace/,
    },
    {
      title: 'a repeated interface',
      text: 'apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata:\n  name: h1\nstatus:\n  interfaces:\n    - name: a\n    - name: a\n',
      line: 6,
      says: /NodeState h1: status.interfaces: two items/,
    },
    {
      title: 'broken JSON in the configuration',
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: macvtap-deviceplugin-config\n  namespace: macvtap-cni\ndata:\n  DP_MACVTAP_CONF: |\n    [{\n',
      line: 7,
      says: /data.DP_MACVTAP_CONF: line 2, column 1: /,
    },
    {
      title: 'a configuration that is not a string',
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: macvtap-deviceplugin-config\n  namespace: macvtap-cni\ndata:\n  DP_MACVTAP_CONF: []\n',
      line: 7,
      says: /data.DP_MACVTAP_CONF: not a string/,
    },
  ];
  for (const { title, text, line, says } of table) {
    it(title, () => {
      const { where, messages } = read(text);
      assert.deepEqual(where, [`a.yaml, document 1, line ${line}`]);
      assert.match(messages[0] ?? '', says);
      if (text.startsWith(policyHead)) assert.ok(messages[0]?.startsWith(id));
    });
  }

  it('in a list, at the line of the item', () => {
    const text = `kind: List
items:
  - apiVersion: v1
    kind: Node
    metadata:
      name: h1
      labels:
        a: 5
`;
    assert.deepEqual(read(text).where, ['a.yaml, document 1, line 8']);
  });

  it('for all errors of an object at once', () => {
    const text = `${policyHead}spec:\n  priority: 100\n  parentSelector:\n    - parentIface: eth0\n      mode: x\n      quantity: 0\n`;
    assert.deepEqual(
      read(text).where.toSorted(),
      [10, 11, 7].map((line) => `a.yaml, document 1, line ${line}`),
    );
  });
});
