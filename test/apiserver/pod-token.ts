// SPDX-License-Identifier: Apache-2.0
import type { ControlPlane } from './control-plane.ts';

export interface PodTokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** The name of an existing Node. */
  readonly node: string;
}

/**
 * Returns a service account's token as kubelet would mount it into a pod of a node. The pod is created but does not
 * run. Such a token contains the names of the pod and the node, and becomes invalid with the pod.
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

/** Returns a service account's token that is not bound to a pod, as a user would request it. */
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
