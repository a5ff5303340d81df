// SPDX-License-Identifier: Apache-2.0
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { connectionsWithin, limitConnections } from './limit-connections.ts';
import { type ListenAddress, listen, listenAgainOnError } from './listen-address.ts';

export interface HealthServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** Returns the reasons why the process is not ready. The list is empty if the process is ready. */
  readonly missing: () => readonly string[];
}

/** The HTTP server for kubelet's probes and for Prometheus. */
export interface HealthServer extends AsyncDisposable {
  /** The actual address. For port 0, it has the port that the kernel chose. */
  readonly address: ListenAddress;
}

/** Serves /healthz, /readyz and /metrics. Raises ListenFailed. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(answer(options));
  boundConnections(server);
  const address = await listen(server, options.address);
  const listening = listenAgainOnError(server, address);
  return {
    address,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      // Close all connections: a client can repeat its request, but an open connection would keep the process alive.
      server.closeAllConnections();
      await promise;
    },
  };
}

/** The maximum number of open connections. Prometheus and kubelet need only a few. */
const mostConnections = 64;

/** The longest time without traffic before a connection is closed. */
const silenceMs = 30_000;

/**
 * Limits the number of connections. At the limit, a new connection replaces the one that has been idle for the longest
 * time.
 */
function boundConnections(server: Server): void {
  const limit = limitConnections(server, connectionsWithin(mostConnections));
  server.prependListener('request', ({ socket }, response) => {
    const busy = limit.busy(socket);
    response.once('close', () => busy[Symbol.dispose]());
  });
  server.setTimeout(silenceMs);
}

function answer(options: Pick<HealthServerOptions, 'metrics' | 'missing'>): RequestListener {
  return async ({ method, url = '' }, response) => {
    const reply =
      method === 'GET' || method === 'HEAD'
        ? await read(url.split('?')[0] as string, options).catch(failed)
        : { status: 405, body: 'GET only\n' };
    const { status, body, contentType = 'text/plain; charset=utf-8' } = reply;
    response.writeHead(status, { 'content-type': contentType }).end(method === 'HEAD' ? undefined : body);
  };
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

async function read(
  path: string,
  { metrics, missing }: Pick<HealthServerOptions, 'metrics' | 'missing'>,
): Promise<Reply> {
  switch (path) {
    case '/healthz':
      return { status: 200, body: 'ok\n' };
    case '/readyz': {
      const lacking = missing();
      return lacking.length === 0
        ? { status: 200, body: 'ok\n' }
        : { status: 503, body: lacking.map((what) => `${what}\n`).join('') };
    }
    case '/metrics':
      return { status: 200, body: await metrics.metrics(), contentType: metrics.contentType };
    default:
      return { status: 404, body: 'not found; the paths are /healthz, /readyz and /metrics\n' };
  }
}

/** Returns the reply for a bug in a handler. Without it, the unhandled rejection would end the process. */
function failed(thrown: unknown): Reply {
  return { status: 500, body: `${thrown instanceof Error ? thrown.message : String(thrown)}\n` };
}
