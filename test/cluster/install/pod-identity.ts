// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster.ts';
import { pauseImage } from '../configs/containerd-config.ts';

export interface PodIdentityOptions {
  readonly node: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The token that kubelet would mount into a pod of a service account on a node. The pod is there, and only waits. */
export async function podIdentity(cluster: Cluster, options: PodIdentityOptions): Promise<string> {
  const { node, namespace, serviceAccount } = options;
  const name = `${serviceAccount}-${node}`;
  const path = `/api/v1/namespaces/${namespace}`;
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: {
        nodeName: node,
        hostNetwork: true,
        serviceAccountName: serviceAccount,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'identity', image: pauseImage, imagePullPolicy: 'Never' }],
      },
    },
  ]);
  const pod = await cluster.admin.must<{ metadata: { uid: string } }>('GET', `${path}/pods/${name}`);
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid }, expirationSeconds: 7200 },
  };
  const made = await cluster.admin.must<{ status: { token: string } }>(
    'POST',
    `${path}/serviceaccounts/${serviceAccount}/token`,
    { body },
  );
  return made.status.token;
}
