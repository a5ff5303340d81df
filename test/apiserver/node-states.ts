// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { ControlPlane } from './control-plane.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

/** Writes a node's state, as its plugin would. */
export async function writeNodeState(cluster: ControlPlane, name: string, status: Status): Promise<void> {
  const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
  const path = `/apis/${apiVersion}/macvtapnetworknodestates/${name}`;
  const head = { apiVersion, kind: 'MacvtapNetworkNodeState', metadata: { name } };
  const query = '?fieldManager=test&force=true';
  const options = { contentType: 'application/apply-patch+yaml' };
  await cluster.admin.must('PATCH', `${path}${query}`, { body: head, ...options });
  await cluster.admin.must('PATCH', `${path}/status${query}`, { body: { ...head, status }, ...options });
}

/** Returns the status that a node's plugin writes for a policy with one resource, of which pods hold `held` devices. */
export function exposing(policy: string, generation: number, { held = 0, health = 'Healthy' as const } = {}): Status {
  const resource = { name: 'net', parent: 'eth0', mode: 'bridge', source: 'policy', policy, entry: 0 } as const;
  return {
    source: 'policy',
    observedPolicies: [{ name: policy, generation }],
    resources: [{ ...resource, quantity: 100, held, health }],
    counts: { resources: 1, devices: 100, held, unhealthy: 0 },
  };
}
