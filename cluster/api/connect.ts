// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readKubernetesEnvironment } from '../../runtime/environment.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Connection, type Credentials, createTlsAgents } from './connection.ts';

export interface ConnectOptions {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string | undefined;
  /** The context that `--context` names. If it is undefined, the current context is used. */
  readonly context?: string | undefined;
}

/**
 * Finds the API server. Like controller-runtime, it uses the first of these that exists: the given file, $KUBECONFIG,
 * the pod's service account (unless a context is given), ~/.kube/config. Sends nothing. Raises ApiServerUnknown.
 */
export async function connect({ kubeconfig, context }: ConnectOptions): Promise<Connection> {
  const environment = readKubernetesEnvironment();
  const isConfigured = kubeconfig !== undefined || context !== undefined || environment.kubeconfig !== undefined;
  if (!isConfigured && environment.service !== undefined) {
    const connection = connectInCluster(environment.service, serviceAccountDirectory);
    await connection.credentials();
    return connection;
  }
  const { connectByKubeconfig } = await import('./kubeconfig.ts');
  return connectByKubeconfig(kubeconfig, context);
}

/** The directory where kubelet mounts the service account of a pod. */
const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * How often the token is read again, as in client-go. If a token is valid for an hour, kubelet replaces it after at
 * most 48 minutes.
 */
const rereadMs = 60_000;

/**
 * Connects to the API server as the service account of a pod. KubeConfig of @kubernetes/client-node could do this, but
 * importing it costs 80 MB of memory, because it loads the clients of all API groups. Unlike KubeConfig, this code also
 * detects a rotated CA, and a token that was replaced early.
 */
export function connectInCluster(server: string, directory: string): Connection {
  const agents = createTlsAgents(server);
  let cached: { readonly token: string; readonly ca: string; readonly readAt: number } | undefined;
  return {
    server,
    async credentials(renew = false): Promise<Credentials> {
      const now = performance.now();
      if (cached === undefined || renew || now - cached.readAt >= rereadMs) {
        const [token, ca] = await Promise.all([readMounted(directory, 'token'), readMounted(directory, 'ca.crt')]);
        cached = { token: token.trim(), ca, readAt: now };
      }
      return { headers: { authorization: `Bearer ${cached.token}` }, agent: agents.agentFor({ ca: cached.ca }) };
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

async function readMounted(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const hint = 'mount the service account in the pod, or set --kubeconfig';
    throw new MacvtapError('ApiServerUnknown', `cannot read ${path}: ${text}; ${hint}`, {
      facts: { path },
      cause: thrown,
    });
  }
}
