// SPDX-License-Identifier: Apache-2.0
import { type ConnectOptions, connect } from './connect.ts';
import type { Connection } from './connection.ts';
import { readBody, readLines } from './read-response.ts';
import { type Answer, type SendOptions, sendRequest } from './send-request.ts';

/** A request's own wishes, beside method, path and body. */
interface RequestOptions {
  /** Default application/json. */
  readonly accept?: string;
  /** Of the body; default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** For the whole of it, answer read; default 10 s. */
  readonly timeoutMs?: number;
}

export interface ApiResponse {
  /** Whatever it is, also 404 or 409: what it means is the caller's to know. */
  readonly status: number;
  /** The JSON value; the text, where it is no JSON; undefined for an empty one. */
  readonly body: unknown;
  /** When the API server said for how long it wants no more requests. */
  readonly retryAfterMs?: number;
}

/** The answer to a watch: its lines as they come, or, with a status other than 200, what was said instead. */
interface ApiStream extends Disposable {
  readonly status: number;
  readonly body?: unknown;
  readonly retryAfterMs?: number;
  /** Ends when the server ends it; raises ApiServerUnreachable when it breaks off. */
  readonly lines: AsyncIterable<string>;
}

/** A client of a Kubernetes API server. Disposing of it cuts what is under way. */
export interface ApiClient extends Disposable {
  readonly server: string;
  /**
   * One request; resolves with whatever the server answers. Raises ApiServerUnreachable (no answer, or half of one),
   * DeadlineExceeded, Aborted.
   *
   * @example request('PATCH', '/api/v1/namespaces/a/secrets/b', { data }, { contentType: 'application/merge-patch+json' })
   */
  request(method: Method, path: string, body?: unknown, options?: RequestOptions): Promise<ApiResponse>;
  /** A GET whose answer goes on; `timeoutMs` is for its beginning only. */
  stream(path: string, options?: Pick<RequestOptions, 'accept' | 'signal' | 'timeoutMs'>): Promise<ApiStream>;
}

type Method = SendOptions['method'];

/** Connects by a kubeconfig or as a pod; nothing is sent yet. Raises ApiServerUnknown when nobody says where it is. */
export async function openApiClient(options: ConnectOptions = {}): Promise<ApiClient> {
  return createApiClient(await connect(options));
}

export function createApiClient(connection: Connection): ApiClient {
  const { server } = connection;
  return {
    server,
    async request(method, path, body, { accept = json, contentType = json, signal, timeoutMs = 10_000 } = {}) {
      using answer = await sendRequest(connection, { method, path, accept, contentType, body, signal, timeoutMs });
      return { ...headOf(answer), body: await readBody(answer) };
    },
    async stream(path, { accept = json, signal, timeoutMs = 10_000 } = {}) {
      const answer = await sendRequest(connection, { method: 'GET', path, accept, signal, timeoutMs });
      const stop = () => answer[Symbol.dispose]();
      if (answer.status !== 200) {
        using _ = answer;
        return { ...headOf(answer), body: await readBody(answer), lines: none(), [Symbol.dispose]: stop };
      }
      answer.startedWell();
      return { ...headOf(answer), lines: readLines(answer), [Symbol.dispose]: stop };
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

const json = 'application/json';

function headOf({ status, retryAfterMs }: Answer): Pick<ApiResponse, 'status' | 'retryAfterMs'> {
  return { status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

async function* none(): AsyncGenerator<string> {}
