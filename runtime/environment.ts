// SPDX-License-Identifier: Apache-2.0
/**
 * The settings for access to a cluster. They come from environment variables: those that kubectl reads, and those that
 * kubelet sets in pods.
 */
export interface KubernetesEnvironment {
  /** KUBECONFIG: one file, or several separated by colons. */
  readonly kubeconfig: string | undefined;
  /** The URL of the API server in a pod; undefined outside of one. @example 'https://[fd00::1]:443' */
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

/**
 * Gives libuv more than its default four threads, for system calls that wait a long time. Call it before anything uses
 * the threads, because libuv reads the variable only once. Does not overwrite an existing value. Source: libuv
 * src/threadpool.c, init_threads.
 */
export function widenThreadPool(threads: number): void {
  process.env.UV_THREADPOOL_SIZE ||= String(threads);
}
