// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSubject } from './subject.ts';

const namespaces = { given: undefined, installation: 'macvtap-cni', context: 'vms' };

test('a kind is recognized by each of its names in kubectl', () => {
  for (const [text, kind] of [
    ['po/x', 'pod'],
    ['Pods/x', 'pod'],
    ['network-attachment-definitions.k8s.cni.cncf.io/x', 'nad'],
    ['net-attach-def/x', 'nad'],
    ['no/x', 'node'],
    ['mvnnp/x', 'policy'],
    ['macvtapnetworknodepolicies.macvtap.network.kubevirt.io/x', 'policy'],
  ] as const) {
    assert.equal(parseSubject(text, namespaces).kind, kind, text);
  }
});

test('the namespace is the given one or the default of the kind; a node has none', () => {
  assert.deepEqual(parseSubject('pod/vm', namespaces), { kind: 'pod', name: 'vm', namespace: 'vms' });
  assert.deepEqual(parseSubject('policy/p', namespaces), { kind: 'policy', name: 'p', namespace: 'macvtap-cni' });
  assert.deepEqual(parseSubject('node/h1', { ...namespaces, given: 'a' }), { kind: 'node', name: 'h1' });
  for (const kind of ['pod', 'nad', 'policy']) {
    assert.deepEqual(parseSubject(`${kind}/x`, { ...namespaces, given: 'a' }), { kind, name: 'x', namespace: 'a' });
  }
});

test('any other text is rejected with a list of the accepted forms', () => {
  for (const text of ['vm', 'pod/', 'pod/a/b', 'service/a', '/a', '']) {
    assert.throws(() => parseSubject(text, namespaces), { code: 'InvalidFlags', message: /write pod\/NAME/ });
  }
});
