// SPDX-License-Identifier: Apache-2.0

/** What the environment says of a cluster: the variables that kubectl reads, and those that kubelet gives every pod. */
export interface KubernetesEnvironment {
  /** KUBECONFIG: one file, or several with colons. */
  readonly kubeconfig: string | undefined;
  /** The Service of the API server, as a pod sees it; undefined outside of one. @example 'https://[fd00::1]:443' */
  readonly service: string | undefined;
}

export function readKubernetesEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KubernetesEnvironment {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const isThere = host !== undefined && host !== '' && port !== undefined && port !== '';
  return {
    kubeconfig: KUBECONFIG === '' ? undefined : KUBECONFIG,
    service: isThere ? `https://${host.includes(':') ? `[${host}]` : host}:${port}` : undefined,
  };
}
