// SPDX-License-Identifier: Apache-2.0
import type { ControlPlane } from './control-plane.ts';

export interface PodTokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** A Node that exists. */
  readonly node: string;
}

/**
 * A service account's token as kubelet would mount it into a pod of a node. The pod is made; nothing runs it. Such a
 * token carries the pod's and the node's names, and dies with the pod.
 */
export async function podToken(cluster: ControlPlane, { namespace, serviceAccount, node }: PodTokenOptions) {
  const pod = await cluster.admin.must<{ metadata: { name: string; uid: string } }>(
    'POST',
    `/api/v1/namespaces/${namespace}/pods`,
    {
      body: {
        metadata: { generateName: `${serviceAccount}-` },
        spec: {
          nodeName: node,
          serviceAccountName: serviceAccount,
          containers: [{ name: 'plugin', image: 'localhost/plugin' }],
        },
      },
    },
  );
  return await requestToken(cluster, namespace, serviceAccount, { kind: 'Pod', apiVersion: 'v1', ...pod.metadata });
}

/** A service account's token that is bound to no pod, as a person would ask for it. */
export async function unboundToken(cluster: ControlPlane, namespace: string, serviceAccount: string): Promise<string> {
  return await requestToken(cluster, namespace, serviceAccount);
}

interface Bound {
  readonly kind: 'Pod';
  readonly apiVersion: 'v1';
  readonly name: string;
  readonly uid: string;
}

async function requestToken(cluster: ControlPlane, namespace: string, name: string, bound?: Bound): Promise<string> {
  const boundObjectRef = bound && { kind: bound.kind, apiVersion: bound.apiVersion, name: bound.name, uid: bound.uid };
  const { status } = await cluster.admin.must<{ status: { token: string } }>(
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 3600, ...(boundObjectRef && { boundObjectRef }) },
      },
    },
  );
  return status.token;
}
