// SPDX-License-Identifier: Apache-2.0
import { Agent, request } from 'node:https';

/** A response of the API server, with any status. */
export interface ApiAnswer {
  readonly status: number;
  /** The parsed body if it is JSON; otherwise its text. */
  readonly body: unknown;
  /** The texts of the Warning headers. */
  readonly warnings: readonly string[];
}

export interface ApiCall {
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** Default: `application/json`. KubeVirt's subresources need another value. */
  readonly accept?: string;
}

/**
 * A client for tests. It is deliberately not the client of the product. It sends each request once, without retries or
 * a cache.
 */
export interface ApiClient extends Disposable {
  readonly token: string;
  /** Sends a request: `call('GET', '/api/v1/namespaces')`. */
  call(method: string, path: string, options?: ApiCall): Promise<ApiAnswer>;
  /** Sends a request that must succeed. Returns the body; rejects with the server's response. */
  must<Body = unknown>(method: string, path: string, options?: ApiCall): Promise<Body>;
}

/** The longest wait, which is above the server's own longest wait for a webhook (30 s). */
const guardMs = 40_000;

export function makeApiClient(server: string, ca: string, token: string): ApiClient {
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 32 });
  const call = (method: string, path: string, options: ApiCall = {}) => {
    const { body, contentType = 'application/json', accept = 'application/json' } = options;
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, accept, 'content-type': contentType };
    const sent = request(`${server}${path}`, { method, agent, headers, timeout: guardMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          body: parse(Buffer.concat(chunks).toString()),
          warnings: warningsOf(response.headersDistinct.warning ?? []),
        });
      });
    });
    sent.once('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer in ${guardMs} ms`)));
    sent.once('error', reject);
    sent.end(payload);
    return promise;
  };
  return {
    token,
    call,
    async must<Body>(method: string, path: string, options?: ApiCall) {
      const { status, body } = await call(method, path, options);
      if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
      return body as Body;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns the texts of Warning headers. Their form is that of RFC 7234: `299 - "text with \" and \\ escaped"`. */
function warningsOf(headers: readonly string[]): readonly string[] {
  return headers
    .flatMap((header) => [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)])
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
