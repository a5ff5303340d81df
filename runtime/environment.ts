// SPDX-License-Identifier: Apache-2.0
/**
 * The settings for access to a cluster. They come from the environment variables that kubectl reads, and from those
 * that kubelet sets in pods.
 */
export interface KubernetesEnvironment {
  /** KUBECONFIG: one file, or several separated by colons. */
  readonly kubeconfig: string | undefined;
  /** The URL of the API server for a pod, or undefined outside of a pod. @example 'https://[fd00::1]:443' */
  readonly service: string | undefined;
  /** HOME, whose folder `.kube` contains the default kubeconfig. */
  readonly home: string | undefined;
}

export function readKubernetesEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KubernetesEnvironment {
  const { KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const isThere = host !== undefined && host !== '' && port !== undefined && port !== '';
  return {
    kubeconfig: KUBECONFIG === '' ? undefined : KUBECONFIG,
    service: isThere ? `https://${host.includes(':') ? `[${host}]` : host}:${port}` : undefined,
    home: HOME === '' ? undefined : HOME,
  };
}

/**
 * Gives libuv more threads than its default of four, for system calls that block for a long time. Call this before any
 * code uses the threads, because libuv reads UV_THREADPOOL_SIZE only once (src/threadpool.c, init_threads). Keeps an
 * existing value of this variable.
 */
export function widenThreadPool(threads: number): void {
  process.env.UV_THREADPOOL_SIZE ||= String(threads);
}
