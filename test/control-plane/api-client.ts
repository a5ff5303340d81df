// SPDX-License-Identifier: Apache-2.0
import { Agent, request } from 'node:https';

/** An answer of the API server, whatever its status. */
export interface ApiAnswer {
  readonly status: number;
  /** Parsed, when it is JSON; else the text. */
  readonly body: unknown;
  /** The texts of its Warning headers. */
  readonly warnings: readonly string[];
}

export interface ApiCall {
  readonly body?: unknown;
  /** `application/json` when nothing is said. */
  readonly contentType?: string;
}

/** A client for tests, deliberately not the one under test: one request, one answer, nothing repeated or cached. */
export interface ApiClient extends Disposable {
  readonly token: string;
  /** `call('GET', '/api/v1/namespaces')`. */
  call(method: string, path: string, options?: ApiCall): Promise<ApiAnswer>;
  /** The same for a call that must succeed; returns the body and raises with what the server said. */
  must<Body = unknown>(method: string, path: string, options?: ApiCall): Promise<Body>;
}

/** A guard against waiting for ever, above the server's own longest wait for a webhook (30 s). */
const guardMs = 40_000;

export function makeApiClient(server: string, ca: string, token: string): ApiClient {
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 32 });
  const call = (method: string, path: string, { body, contentType = 'application/json' }: ApiCall = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType };
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

/** RFC 7234: `299 - "text with \" and \\ escaped"`. */
function warningsOf(headers: readonly string[]): readonly string[] {
  return headers
    .flatMap((header) => [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)])
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
