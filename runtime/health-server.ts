// SPDX-License-Identifier: Apache-2.0
import { createServer, type RequestListener } from 'node:http';
import type { Registry } from 'prom-client';
import { type ListenAddress, listen } from './listen-address.ts';

export interface HealthServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** What the process still lacks, in words; empty when it is ready. */
  readonly missing: () => readonly string[];
}

/** Plain HTTP for kubelet's probes and for Prometheus. */
export interface HealthServer extends AsyncDisposable {
  /** Where it really listens. */
  readonly address: ListenAddress;
}

/** Answers /healthz, /readyz and /metrics. Raises ListenFailed. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(answer(options));
  const address = await listen(server, options.address);
  return {
    address,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      // A scrape can be asked for again; its connection must not hold the process.
      server.closeAllConnections();
      await promise;
    },
  };
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
      return { status: 404, body: 'no such path; there are /healthz, /readyz and /metrics\n' };
  }
}

/** A bug in what was asked must not end the process by a rejection that nobody handles. */
function failed(thrown: unknown): Reply {
  return { status: 500, body: `${thrown instanceof Error ? thrown.message : String(thrown)}\n` };
}
