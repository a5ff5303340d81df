// SPDX-License-Identifier: Apache-2.0
import { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
// The file, not the package: even so it brings a client of every API group, so this module is imported only on need.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Connection, Credentials } from './connection.ts';
import { createTlsAgents } from './tls-agents.ts';

/**
 * The API server of a context of a kubeconfig, its current one where none is named; without a file the one that kubectl
 * would take ($KUBECONFIG, else ~/.kube/config). Tokens, client certificates, exec plugins, OIDC and proxies are the library's. Raises
 * ApiServerUnknown.
 */
export function connectByKubeconfig(file: string | undefined, context?: string): Connection {
  let config = load(file, context);
  const server = serverOf(config, file);
  const agents = createTlsAgents(server);
  return {
    server,
    async credentials(renew = false): Promise<Credentials> {
      // Loaded anew, it forgets what an exec plugin told, and sees what somebody wrote into the file.
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

/** The namespace of a context, or of the current one; undefined where it names none. Raises ApiServerUnknown. */
export function namespaceOfContext(file: string | undefined, context?: string): string | undefined {
  const config = load(file, context);
  return config.getContextObject(config.getCurrentContext())?.namespace;
}

/** The names of its contexts. Raises ApiServerUnknown. */
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
    throw unknown(file, `it has no context ${context}, but ${names.length === 0 ? 'none' : names.join(', ')}`);
  }
  config.setCurrentContext(context);
  return config;
}

function serverOf(config: KubeConfig, file: string | undefined): string {
  const cluster = config.getCurrentCluster();
  // What the library makes up where it finds nothing at all: a server on localhost.
  const isInvented = config.getCurrentContext() === 'loaded-context';
  if (cluster === null || isInvented || !URL.canParse(cluster.server ?? '')) {
    throw unknown(file, isInvented ? nowhere : 'its current context names no cluster with a server');
  }
  return cluster.server.replace(/\/+$/, '');
}

const nowhere = 'neither $KUBECONFIG nor ~/.kube/config is there';

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
  // Of the first line alone: below it the YAML library quotes the lines around a fault, which may hold a token.
  const [text] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const what = file === undefined ? 'the default kubeconfig' : `the kubeconfig ${file}`;
  return new MacvtapError(
    'ApiServerUnknown',
    `${what} cannot be used: ${text}; mend it, or give another --kubeconfig`,
    {
      cause,
    },
  );
}
