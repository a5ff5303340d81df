// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { until } from '../process/until.ts';
import type { Cluster } from './cluster.ts';

interface EndpointSliceList {
  readonly items: readonly {
    readonly endpoints: readonly {
      readonly addresses: readonly string[];
      readonly conditions?: { readonly ready?: boolean };
    }[];
    readonly ports: readonly { readonly port: number }[];
  }[];
}

const slicesPath =
  '/apis/discovery.k8s.io/v1/namespaces/macvtap-cni/endpointslices?labelSelector=kubernetes.io/service-name%3Dkube-macvtap-webhook';
const connectGuardMs = 2_000;

/**
 * Resolves when every ready endpoint of the webhook's Service accepts connections. After a node reboots, the Service
 * lists the addresses of the node's former pods until kubelet has reported the new ones. The API server picks endpoints
 * at random.
 */
export async function untilWebhooksReachable(cluster: Cluster): Promise<void> {
  await until(
    async () => {
      const { items } = await cluster.admin.must<EndpointSliceList>('GET', slicesPath);
      const ready = items.flatMap(({ endpoints, ports }) =>
        endpoints
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.flatMap((host) => ports.map(({ port }) => ({ host, port })))),
      );
      return await Promise.all(ready.map(async (at) => ({ ...at, reachable: await accepts(at) })));
    },
    (endpoints) => endpoints.length > 0 && endpoints.every(({ reachable }) => reachable),
  );
}

async function accepts(address: { readonly host: string; readonly port: number }): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ ...address, timeout: connectGuardMs });
    const end = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket
      .once('connect', () => end(true))
      .once('timeout', () => end(false))
      .once('error', () => end(false));
  });
}
