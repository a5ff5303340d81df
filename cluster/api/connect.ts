// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject } from '../../policy/json.ts';
import { readKubernetesEnvironment } from '../../runtime/environment.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Connection, type Credentials, createTlsAgents, type TlsMaterial } from './connection.ts';

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
  const plain = connectByPlainKubeconfig(kubeconfig, context);
  if (plain !== undefined) return plain;
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

/** A context of a kubeconfig whose user has a token, a client certificate, or both. */
interface PlainContext {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly material: TlsMaterial;
  readonly token: string | undefined;
}

/**
 * Connects to the API server of a kubeconfig context without @kubernetes/client-node, whose import takes longer than
 * most commands. Returns undefined for everything that is not plain: several files, exec plugins, proxies, and also for
 * every error. The library then handles it, and reports the error.
 */
export function connectByPlainKubeconfig(
  file: string | undefined,
  context: string | undefined,
): Connection | undefined {
  let plain = readPlainContext(file, context);
  if (plain === undefined) return undefined;
  const { server } = plain;
  const agents = createTlsAgents(server);
  return {
    server,
    async credentials(renew = false): Promise<Credentials> {
      // Another program may have replaced the token or the certificate.
      if (renew) plain = readPlainContext(file, context) ?? plain;
      const { token, material } = plain as PlainContext;
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}`.trim() };
      return { headers, agent: agents.agentFor(material) };
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

/** Returns the namespace of a plain context: `{ namespace: 'vms' }`. Returns undefined for any other context. */
export function plainContextNamespace(
  file: string | undefined,
  context: string | undefined,
): { readonly namespace: string | undefined } | undefined {
  return readPlainContext(file, context);
}

function readPlainContext(file: string | undefined, context: string | undefined): PlainContext | undefined {
  try {
    const path = file ?? defaultFile();
    return path === undefined ? undefined : toPlainContext(path, context);
  } catch {
    return undefined;
  }
}

/** Returns the only kubeconfig that kubectl would read. Several files would have to be merged. */
function defaultFile(): string | undefined {
  const { kubeconfig, home } = readKubernetesEnvironment();
  if (kubeconfig !== undefined) return kubeconfig.includes(delimiter) ? undefined : kubeconfig;
  return home === undefined || process.platform === 'win32' ? undefined : resolve(home, '.kube/config');
}

function toPlainContext(path: string, named: string | undefined): PlainContext | undefined {
  const text = readFileSync(path, 'utf8');
  const config: unknown = text.startsWith('{') ? JSON.parse(text) : parse(text);
  if (!isJsonObject(config)) return undefined;
  const context = entryOf(config.contexts, 'context', named ?? config['current-context']);
  const cluster = entryOf(config.clusters, 'cluster', context?.cluster);
  const user = entryOf(config.users, 'user', context?.user);
  if (context === undefined || cluster === undefined || user === undefined) return undefined;
  if ([...special, '<<'].some((key) => [cluster, user, context].some((entry) => entry[key] !== undefined)))
    return undefined;
  const { server } = cluster;
  if (typeof server !== 'string' || !URL.canParse(server)) return undefined;
  const content = (entry: typeof user, name: string) => contentOf(entry, name, dirname(path));
  return {
    server: server.replace(/\/+$/, ''),
    namespace: textOf(context, 'namespace') || undefined,
    token: textOf(user, 'token') || undefined,
    material: {
      ca: content(cluster, 'certificate-authority'),
      cert: content(user, 'client-certificate'),
      key: content(user, 'client-key'),
      servername: textOf(cluster, 'tls-server-name') || undefined,
      ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
    },
  };
}

/** The fields of clusters and users that only the library handles. */
const special = ['proxy-url', 'auth-provider', 'exec', 'token-file', 'tokenFile', 'username', 'password', 'as'];

type Entry = Readonly<Record<string, unknown>>;

/**
 * Returns the entry with a name. Returns undefined unless exactly one entry has the name, and all entries are complete,
 * because the library rejects a kubeconfig with an incomplete entry.
 */
function entryOf(entries: unknown, field: 'context' | 'cluster' | 'user', name: unknown): Entry | undefined {
  if (!Array.isArray(entries) || typeof name !== 'string') return undefined;
  const isWhole = entries.every(
    (entry) => isJsonObject(entry) && typeof entry.name === 'string' && isJsonObject(entry[field]),
  );
  const [found, ...others] = entries.filter((entry) => isWhole && entry.name === name);
  return found === undefined || others.length > 0 ? undefined : found[field];
}

/** Returns a text field. Throws if it is not a text. */
function textOf(entry: Entry, name: string): string | undefined {
  const value = entry[name] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw new TypeError(`${name} is not a text`);
  return value;
}

/** Returns the content of a PEM field, from the file that it names, or else from its `-data` in base64. */
function contentOf(entry: Entry, name: string, folder: string): string | undefined {
  const [file, data] = [textOf(entry, name), textOf(entry, `${name}-data`)];
  if (file) return readFileSync(resolve(folder, file), 'utf8');
  return data ? Buffer.from(data, 'base64').toString() : undefined;
}
