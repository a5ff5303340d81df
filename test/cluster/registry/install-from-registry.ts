// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type RegistryFiles, registryUser } from '../../release/registry-files.ts';
import type { Cluster } from '../cluster.ts';
import { helm } from '../helm.ts';
import { clusterValues } from '../install/cluster-values.ts';
import { untilInstalled } from '../install/install-by-helm.ts';
import type { Installation } from '../install/installation.ts';
import { installationNamespace, release } from '../install/release.ts';

/** The name of the secret with which kubelet pulls the images. */
export const pullSecret = 'registry';

/**
 * Installs the chart of a registry as in docs/how-to/install.md: with the images that it names by digest, which kubelet
 * pulls with a secret.
 */
export async function installFromRegistry(
  cluster: Cluster,
  { version }: { readonly version: string },
  registry: RegistryFiles,
): Promise<Installation> {
  await cluster.mustKubectl(['create', 'namespace', installationNamespace]);
  await createPullSecret(cluster, registry, installationNamespace);
  const { image: _local, ...values } = (await clusterValues()) as { readonly image: object };
  const image = { pullSecrets: [{ name: pullSecret }] };
  const install = ['install', ...release, ...chartArguments(registry, version)];
  await helm(cluster, install, values, { image });
  return await untilInstalled(cluster);
}

/** Creates the pull secret in a namespace. */
export async function createPullSecret(cluster: Cluster, { host }: RegistryFiles, namespace: string): Promise<void> {
  const account = [`--docker-username=${registryUser.name}`, `--docker-password=${registryUser.password}`];
  const secret = ['create', 'secret', 'docker-registry', pullSecret, `--namespace=${namespace}`];
  await cluster.mustKubectl([...secret, `--docker-server=${host}`, ...account]);
}

/** Returns Helm's arguments for the chart in the registry. */
export function chartArguments(registry: RegistryFiles, version: string): readonly string[] {
  const credentials = join(registry.credentialsFolder, 'config.json');
  const access = ['--version', version, '--ca-file', registry.caFile, '--registry-config', credentials];
  return [`oci://${registry.host}/kube-macvtap/kube-macvtap`, ...access];
}
