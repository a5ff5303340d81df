// SPDX-License-Identifier: Apache-2.0

/** The versions of Kubernetes that tests can use, each with the folder of the go.mod that pins it. */
export const kubernetesModules = { '1.34.4': 'kubernetes-1.34', '1.37.2': 'kubernetes-1.37' } as const;

export type KubernetesVersion = keyof typeof kubernetesModules;

export const kubernetesVersions = Object.keys(kubernetesModules) as readonly KubernetesVersion[];

/** The version that tests use unless another one is requested. */
export const defaultKubernetes: KubernetesVersion = '1.37.2';

/** The environment variable with the requested version. Programs that tests start inherit it. */
const variable = 'MACVTAP_TEST_KUBERNETES';

/** Returns the version of Kubernetes that this process uses. Raises an error if the requested version is unknown. */
export function kubernetesVersion(): KubernetesVersion {
  const requested = process.env[variable];
  return requested === undefined ? defaultKubernetes : parse(requested, `${variable}=`);
}

/** Makes this process, and all processes that it starts, use a version of Kubernetes. */
export function useKubernetes(version: string): void {
  process.env[variable] = parse(version);
}

function parse(text: string, prefix = ''): KubernetesVersion {
  const version = kubernetesVersions.find((known) => known === text);
  if (version !== undefined) return version;
  throw new Error(`${prefix}${text}: no such version of Kubernetes; known: ${kubernetesVersions.join(', ')}`);
}
