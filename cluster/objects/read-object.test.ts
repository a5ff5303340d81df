// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { readFixtures } from '../../test/fixtures/read-fixtures.ts';
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

  it('a namespace with its labels and the label that has its name', () => {
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

  it('a network, in the namespace default if it names none', () => {
    const network = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition', spec: { config: '{}' } };
    const answer = read({ ...network, metadata: { name: 'n' } });
    assert.equal(answer?.id, 'NetworkAttachmentDefinition default/n');
    assert.deepEqual(answer?.known && 'value' in answer.known ? answer.known.value : undefined, {
      ...network,
      metadata: { name: 'n', namespace: 'default' },
    });
    assert.equal(read({ ...network, metadata: { name: 'n', namespace: 'a' } })?.id, 'NetworkAttachmentDefinition a/n');
  });

  it('an unchanged node state', () => {
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

  it('a node state to leave out, with a single error, if it exceeds a limit', () => {
    const interfaces = Array.from({ length: 1_001 }, (_, index) => ({ name: `e${index}` }));
    const metadata = { name: 'evil' };
    const answer = read({ apiVersion: version, kind: 'MacvtapNetworkNodeState', metadata, status: { interfaces } });
    const leftOut = 'status.interfaces: 1001, and at most 1000 are read';
    assert.deepEqual(answer?.known, { kind: 'MacvtapNetworkNodeState', name: 'evil', leftOut });
    assert.match(
      answer?.faults?.map(({ message }) => message).join('\n') ?? '',
      /^status\.interfaces: 1001, .* left out/,
    );
  });

  it('a node state to leave out if reading it throws', () => {
    const hostile = {
      get interfaces(): never {
        throw new RangeError('too deep');
      },
    };
    const metadata = { name: 'evil' };
    const answer = read({ apiVersion: version, kind: 'MacvtapNetworkNodeState', metadata, status: hostile });
    const leftOut = 'reading it failed: too deep';
    assert.deepEqual(answer?.known, { kind: 'MacvtapNetworkNodeState', name: 'evil', leftOut });
  });

  it('a node state to leave out, with a single error, if it violates the schema several times', () => {
    const interfaces = Array.from({ length: 500 }, () => ({ name: 7 }));
    const metadata = { name: 'evil' };
    const answer = read({ apiVersion: version, kind: 'MacvtapNetworkNodeState', metadata, status: { interfaces } });
    const leftOut = 'status.interfaces[0].name: not a string; write it in quotes';
    assert.deepEqual(answer?.known, { kind: 'MacvtapNetworkNodeState', name: 'evil', leftOut });
    assert.match(answer?.faults?.map(({ message }) => message).join('\n') ?? '', /; and 5\d\d more$|; and 499 more$/);
  });

  it('a policy with its label values as texts', () => {
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

  it("the explicit configuration only if it has the right name and is in the installation's namespace", () => {
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

  it('an unreadable configuration that is still in force, with an error', () => {
    const metadata = { name: 'macvtap-deviceplugin-config', namespace: policyNamespace };
    const answer = read({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { DP_MACVTAP_CONF: '[' } });
    assert.ok(answer?.known?.kind === 'ConfigMap' && 'fault' in answer.known.value);
    const [fault, ...others] = answer.faults ?? [];
    assert.deepEqual([fault?.path, others], [['data', 'DP_MACVTAP_CONF'], []]);
    assert.match(fault?.explicit ?? '', /^line 1, column 2: /);
    assert.equal(fault?.message, `data.DP_MACVTAP_CONF: ${fault?.explicit}`);
  });
});

describe('an object is refused', () => {
  it('if it is not an object', () => {
    for (const object of [null, 5, 'Node', [], true]) assert.deepEqual(read(object)?.faults?.[0]?.path, []);
  });

  it('if its metadata is not an object', () => {
    for (const metadata of [undefined, null, [], 'h1', { name: 5 }]) {
      assert.deepEqual(read({ apiVersion: 'v1', kind: 'Node', metadata })?.faults?.[0]?.path, ['metadata', 'name']);
    }
  });

  it('for each label that is not a string, including null', () => {
    const labels = JSON.parse('{"a":true,"b":"x","c":null,"__proto__":{}}');
    assert.deepEqual(
      read({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1', labels } })?.faults?.map(({ path }) =>
        path.at(-1),
      ),
      ['a', 'c', '__proto__'],
    );
  });

  it('as a policy without a namespace, because that means the namespace default', () => {
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

it('an object of another kind is ignored', () => {
  assert.equal(read({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }), undefined);
  assert.equal(read({ apiVersion: 'longhorn.io/v1beta2', kind: 'Node', metadata: { name: 'x' } }), undefined);
  assert.equal(read({ apiVersion: 'v1', kind: 'constructor', metadata: { name: 'x' } }), undefined);
});

const metadata = { name: 'p', namespace: policyNamespace };
const zone = { nodeSelector: { matchLabels: { zone: 'b' } } };

function readPolicyObject(spec: unknown, fields: object = {}) {
  const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
  const object = { apiVersion, kind: 'MacvtapNetworkNodePolicy', metadata: { ...metadata, ...fields }, spec };
  const answer = readObject(object, policyNamespace);
  assert.ok(answer?.known?.kind === 'MacvtapNetworkNodePolicy');
  return { policy: answer.known.value, faults: answer.faults ?? [] };
}

describe('a policy that the schema refuses', () => {
  it('still selects its nodes and exposes nothing, and every error has its path', () => {
    const { policy, faults } = readPolicyObject({
      ...zone,
      parentSelector: [{ parentIface: 'eth0', quantity: 5_000, moed: 'vepa' }],
    });
    assert.deepEqual([policy.id, policy.entries], [`${policyNamespace}/p`, []]);
    assert.deepEqual(policy.nodes.labels, [{ key: 'zone', operator: 'In', values: ['b'] }]);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [
        ['SchemaFault', 'spec.parentSelector[0].moed'],
        ['SchemaFault', 'spec.parentSelector[0].quantity'],
      ],
    );
    assert.deepEqual(
      faults.map(({ path, message }) => [path.at(-1), message.split(': ')[0]]),
      [
        ['moed', 'spec.parentSelector[0].moed'],
        ['quantity', 'spec.parentSelector[0].quantity'],
      ],
    );
  });

  it('is read for every fixture that the schema refuses', () => {
    for (const { title, object } of readFixtures('nodepolicy', 'schema', 'fail')) {
      const answer = readObject(object, policyNamespace);
      assert.ok(answer?.known?.kind === 'MacvtapNetworkNodePolicy', title);
      assert.ok(answer.known.value.faults.length > 0 && (answer.faults ?? []).length > 0, title);
    }
  });

  it('selects every node if its node selection is unreadable', () => {
    for (const selection of [{ nodeSelector: 'zone=b' }, { nodeSelectr: zone.nodeSelector }, { nodeAffinity: [] }]) {
      const { policy } = readPolicyObject({ ...selection, parentSelector: [{ parentIface: 'eth0' }] });
      assert.deepEqual(policy.nodes, { labels: [], terms: undefined });
    }
  });

  it('is also reported if it is outside the namespace of the installation', () => {
    const { policy, faults } = readPolicyObject({ ...zone }, { namespace: 'tenant' });
    assert.equal(policy.faults[0]?.code, 'PolicyOutsideNamespace');
    assert.deepEqual(
      faults.map(({ path }) => path.join('.')),
      ['metadata.namespace', 'spec.parentSelector'],
    );
  });
});

describe('a policy whose metadata an API server would refuse', () => {
  it('still selects its nodes and exposes nothing', () => {
    const spec = { ...zone, parentSelector: [{ parentIface: 'eth0' }] };
    const { policy, faults } = readPolicyObject(spec, { labels: { a: true }, annotations: [] });
    assert.deepEqual([policy.entries, policy.nodes.labels.length], [[], 1]);
    assert.deepEqual(
      policy.faults.map(({ code, path }) => [code, path]),
      [
        ['SchemaFault', 'metadata.labels.a'],
        ['SchemaFault', 'metadata.annotations'],
      ],
    );
    assert.equal(faults.length, 2);
  });
});

describe('a policy that breaks a rule', () => {
  it('still selects all nodes that its author may have meant', () => {
    const selection = { nodeSelector: { matchLabels: { zone: null, rank: 1.5 } } };
    const { policy, faults } = readPolicyObject({ ...selection, parentSelector: [{ parentIface: 'eth0' }] });
    assert.deepEqual(
      policy.nodes.labels.map(({ key, operator }) => [key, operator]),
      [
        ['zone', 'Exists'],
        ['rank', 'Exists'],
      ],
    );
    assert.deepEqual(
      faults.map(({ path }) => path.at(-1)),
      ['zone', 'rank'],
    );
  });
});
