// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { readObject } from './read-object.ts';

const read = (object: unknown) => readObject(object, policyNamespace);
const version = 'macvtap.network.kubevirt.io/v1alpha1';

describe('an object is read as', () => {
  it('a node with its labels', () => {
    assert.deepEqual(read({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1', labels: { a: 'b' } }, spec: {} }), {
      id: 'Node h1',
      known: { kind: 'Node', value: { name: 'h1', labels: { a: 'b' } } },
    });
    assert.deepEqual(read({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1', labels: null } }), {
      id: 'Node h1',
      known: { kind: 'Node', value: { name: 'h1', labels: {} } },
    });
  });

  it('a namespace with its labels and the one that is its name', () => {
    const name = { 'kubernetes.io/metadata.name': 'vms' };
    for (const [labels, value] of [
      [{ team: 'x' }, { team: 'x', ...name }],
      [undefined, name],
      [{ 'kubernetes.io/metadata.name': 'other' }, name],
    ]) {
      assert.deepEqual(read({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'vms', labels } }), {
        id: 'Namespace vms',
        known: { kind: 'Namespace', name: 'vms', value },
      });
    }
  });

  it('a network, in the namespace default where it names none', () => {
    const network = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition', spec: { config: '{}' } };
    const answer = read({ ...network, metadata: { name: 'n' } });
    assert.equal(answer?.id, 'NetworkAttachmentDefinition default/n');
    assert.deepEqual(answer?.known?.value, { ...network, metadata: { name: 'n', namespace: 'default' } });
    assert.equal(read({ ...network, metadata: { name: 'n', namespace: 'a' } })?.id, 'NetworkAttachmentDefinition a/n');
  });

  it('a node state as it is', () => {
    const object = {
      apiVersion: version,
      kind: 'MacvtapNetworkNodeState',
      metadata: { name: 'h1' },
      status: { interfaces: [{ name: 'é@"%' }] },
    };
    assert.deepEqual(read(object), {
      id: 'MacvtapNetworkNodeState h1',
      known: { kind: 'MacvtapNetworkNodeState', name: 'h1', value: object },
    });
  });

  it('a policy with its values as text', () => {
    const answer = read({
      apiVersion: version,
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name: 'p', namespace: policyNamespace, creationTimestamp: null },
      spec: { parentSelector: [{ parentIface: 'é%".100@x' }], nodeSelector: { matchLabels: { macvtapAware: true } } },
    });
    assert.ok(answer?.known?.kind === 'MacvtapNetworkNodePolicy' && answer.faults === undefined);
    assert.deepEqual(answer.known.value.nodes.labels, [{ key: 'macvtapAware', operator: 'In', values: ['true'] }]);
    assert.equal(answer.known.value.createdMs, Number.POSITIVE_INFINITY);
  });

  it('the explicit configuration, only by its name in the namespace of the installation', () => {
    const config = (metadata: object, data?: unknown) => read({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
    const metadata = { name: 'macvtap-deviceplugin-config', namespace: policyNamespace };
    const id = `ConfigMap ${policyNamespace}/macvtap-deviceplugin-config`;
    const empty = { id, known: { kind: 'ConfigMap', value: { entries: [] } } };
    assert.deepEqual(config(metadata), empty);
    assert.deepEqual(config(metadata, {}), empty);
    assert.deepEqual(config(metadata, { DP_MACVTAP_CONF: '[]' }), empty);
    assert.equal(config({ ...metadata, namespace: 'tenant' }, { DP_MACVTAP_CONF: '[' }), undefined);
    assert.equal(config({ name: metadata.name }, { DP_MACVTAP_CONF: '[' }), undefined);
    assert.equal(config({ ...metadata, name: 'other' }, { DP_MACVTAP_CONF: '[' }), undefined);
  });

  it('a configuration that restricts all the same, and a fault, where it cannot be read', () => {
    const metadata = { name: 'macvtap-deviceplugin-config', namespace: policyNamespace };
    const answer = read({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { DP_MACVTAP_CONF: '[' } });
    assert.ok(answer?.known?.kind === 'ConfigMap' && 'fault' in answer.known.value);
    assert.deepEqual(
      answer.faults?.map(({ path }) => path),
      [['data', 'DP_MACVTAP_CONF']],
    );
  });
});

describe('an object is refused', () => {
  it('when it is none', () => {
    for (const object of [null, 5, 'Node', [], true]) assert.deepEqual(read(object)?.faults?.[0]?.path, []);
  });

  it('when its metadata is none', () => {
    for (const metadata of [undefined, null, [], 'h1', { name: 5 }]) {
      assert.deepEqual(read({ apiVersion: 'v1', kind: 'Node', metadata })?.faults?.[0]?.path, ['metadata', 'name']);
    }
  });

  it('for each label that is no string, null included', () => {
    const labels = JSON.parse('{"a":true,"b":"x","c":null,"__proto__":{}}');
    assert.deepEqual(
      read({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1', labels } })?.faults?.map(({ path }) =>
        path.at(-1),
      ),
      ['a', 'c', '__proto__'],
    );
  });

  it('as a policy without a namespace, since that means default', () => {
    const answer = read({
      apiVersion: version,
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name: 'p' },
      spec: { parentSelector: [{ parentIface: 'eth0' }] },
    });
    assert.deepEqual(
      [answer?.id, answer?.faults?.[0]?.path],
      ['MacvtapNetworkNodePolicy default/p', ['metadata', 'namespace']],
    );
  });
});

it('an object of a kind that nothing here reads is passed over', () => {
  assert.equal(read({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }), undefined);
  assert.equal(read({ apiVersion: 'longhorn.io/v1beta2', kind: 'Node', metadata: { name: 'x' } }), undefined);
  assert.equal(read({ apiVersion: 'v1', kind: 'constructor', metadata: { name: 'x' } }), undefined);
});
