// SPDX-License-Identifier: Apache-2.0
import type { ControlPlane } from './control-plane.ts';
import { apply, makeServiceAccount } from './install.ts';
import { unboundToken } from './pod-token.ts';

/** Returns a kubeconfig for a user in the namespace `people`, who may do only what `rules` allow. */
export async function makePerson(cluster: ControlPlane, name: string, rules: readonly object[]): Promise<string> {
  await makeServiceAccount(cluster, 'people', name);
  const rbac = 'rbac.authorization.k8s.io';
  const subject = { kind: 'ServiceAccount', name, namespace: 'people' };
  await apply(cluster, [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [subject],
    },
  ]);
  return await cluster.writeKubeconfig(name, await unboundToken(cluster, 'people', name));
}
