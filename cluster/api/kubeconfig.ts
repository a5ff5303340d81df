// SPDX-License-Identifier: Apache-2.0
// Imports only one file of @kubernetes/client-node. Even that file loads the clients of all API groups, so import this
// module only when it is needed.
import { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { readKubernetesEnvironment } from '../../runtime/environment.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Connection, type Credentials, createTlsAgents } from './connection.ts';

/**
 * Connects to the API server of a kubeconfig context. The default is the current context. Without a file, it uses
 * kubectl's defaults: $KUBECONFIG, or else ~/.kube/config. @kubernetes/client-node handles tokens, client certificates,
 * exec plugins, OIDC and proxies. Raises ApiServerUnknown.
 */
export function connectByKubeconfig(file: string | undefined, context?: string): Connection {
  let config = load(file, context);
  const server = serverOf(config, file);
  const agents = createTlsAgents(server);
  return {
    server,
    async credentials(renew = false): Promise<Credentials> {
      // Loading the file again discards the cached token of an exec plugin, and picks up changes of the file.
      if (renew) config = load(file, context);
      const options: RequestOptions = {};
      try {
        await config.applyToHTTPSOptions(options);
      } catch (thrown) {
        throw unknown(file, thrown);
      }
      const hasProxy = config.getCurrentCluster()?.proxyUrl !== undefined;
      const agent = hasProxy && options.agent instanceof Agent ? options.agent : agents.agentFor(materialOf(options));
      return { headers: headersOf(options), agent };
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

/**
 * Returns the namespace of a context, or undefined if the context sets none. The default is the current context. Raises
 * ApiServerUnknown.
 */
export function namespaceOfContext(file: string | undefined, context?: string): string | undefined {
  const config = load(file, context);
  return config.getContextObject(config.getCurrentContext())?.namespace;
}

/** Returns the names of all contexts of a kubeconfig. Raises ApiServerUnknown. */
export function contextsOf(file: string | undefined): readonly string[] {
  return load(file, undefined)
    .getContexts()
    .map(({ name }) => name);
}

function load(file: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (thrown) {
    throw unknown(file, thrown);
  }
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const names = config.getContexts().map(({ name }) => name);
    throw unknown(
      file,
      `it has no context ${context}; its contexts: ${names.length === 0 ? 'none' : names.join(', ')}`,
    );
  }
  config.setCurrentContext(context);
  return config;
}

function serverOf(config: KubeConfig, file: string | undefined): string {
  const cluster = config.getCurrentCluster();
  // Without any configuration, the library creates a context for a server on localhost.
  const isInvented = config.getCurrentContext() === 'loaded-context';
  if (cluster === null || isInvented || !URL.canParse(cluster.server ?? '')) {
    throw unknown(file, isInvented ? nowhere : 'its current context has no cluster with a server');
  }
  return cluster.server.replace(/\/+$/, '');
}

const nowhere = 'neither $KUBECONFIG nor ~/.kube/config exists';

function materialOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions) {
  return { ca: textOf(ca), cert: textOf(cert), key: textOf(key), servername, rejectUnauthorized };
}

function textOf(material: unknown): string | undefined {
  return material === undefined || material === null ? undefined : String(material);
}

function headersOf({ headers = {}, auth }: RequestOptions): Readonly<Record<string, string>> {
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]);
  const basic = auth === undefined || auth === null ? {} : { authorization: `Basic ${btoa(auth)}` };
  return { ...basic, ...Object.fromEntries(given) };
}

function unknown(file: string | undefined, cause: unknown): MacvtapError {
  // Use only the first line of the YAML library's message. The other lines quote lines of the file, which may contain a
  // token.
  const [text] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const message = `${nameOf(file)} cannot be used: ${text}; fix it, or set another --kubeconfig`;
  return new MacvtapError('ApiServerUnknown', message, { cause });
}

function nameOf(file: string | undefined): string {
  if (file !== undefined) return `the kubeconfig ${file}`;
  const { kubeconfig } = readKubernetesEnvironment();
  return kubeconfig === undefined ? 'the default kubeconfig' : `$KUBECONFIG, which is ${kubeconfig},`;
}
