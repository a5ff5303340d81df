// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectStandIn } from '../../../test/apiserver-standin/connect-stand-in.ts';
import { startApiServer } from '../../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../../test/process/until.ts';
import { watchWrittenPolicies } from './written-policies.ts';

const policyObject = (name: string, namespace: string, more: object = {}) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, namespace },
  spec: { parentSelector: [{ parentIface: 'eth0' }] },
  ...more,
});

describe('policies with their statuses', () => {
  it('are read from every namespace, and keep their identity if only the status changes', async () => {
    await using server = await startApiServer();
    using client = connectStandIn(server);
    server.store.put(policyObject('p', 'macvtap-cni'));
    server.store.put(policyObject('stray', 'tenant'));
    await using watch = watchWrittenPolicies({ client, policyNamespace: 'macvtap-cni', onChange: () => {} });
    const read = (id: string) => watch.current.get(id);
    await until(
      async () => watch.current.size,
      (size) => size === 2,
    );
    assert.deepEqual(
      [...watch.current.values()].map(({ policy }) => [policy.id, policy.faults.map(({ code }) => code)]),
      [
        ['macvtap-cni/p', []],
        ['tenant/stray', ['PolicyOutsideNamespace']],
      ],
    );
    const before = read('macvtap-cni/p');
    server.store.put(policyObject('p', 'macvtap-cni', { status: { matchedNodes: 3 } }));
    await until(
      async () => read('macvtap-cni/p')?.status,
      (status) => status?.matchedNodes === 3,
    );
    assert.equal(read('macvtap-cni/p')?.policy, before?.policy);
    server.store.put(policyObject('p', 'macvtap-cni', { spec: { parentSelector: [{ parentIface: 'eth1' }] } }));
    await until(
      async () => read('macvtap-cni/p')?.policy.generation,
      (generation) => generation === 2,
    );
  });

  it('that were recreated between two reads are different policies, even with the same generation', async () => {
    await using server = await startApiServer();
    using client = connectStandIn(server);
    server.store.put(policyObject('p', 'macvtap-cni'));
    await using watch = watchWrittenPolicies({ client, policyNamespace: 'macvtap-cni', onChange: () => {} });
    await until(
      async () => watch.current.size,
      (size) => size === 1,
    );
    const before = watch.current.get('macvtap-cni/p');
    server.store.remove('MacvtapNetworkNodePolicy/macvtap-cni/p');
    server.store.put(policyObject('p', 'macvtap-cni', { spec: { parentSelector: [{ parentIface: 'eth1' }] } }));
    const after = await until(
      async () => watch.current.get('macvtap-cni/p'),
      (now) => now !== undefined && now.uid !== before?.uid,
    );
    assert.deepEqual([before?.policy.generation, after?.policy.generation], [1, 1]);
    assert.deepEqual(after?.policy.entries[0]?.parent, { name: 'eth1' });
  });
});
