// SPDX-License-Identifier: Apache-2.0

import { MacvtapError } from '../../runtime/errors.ts';
import { type ConnectOptions, connect } from './connect.ts';
import type { Connection } from './connection.ts';
import { type Answer, type SendOptions, sendRequest } from './send-request.ts';

/** Options of one request, in addition to method, path and body. */
interface RequestOptions {
  /** The default is application/json. */
  readonly accept?: string;
  /** The type of the body. The default is application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** The time limit of the request and the whole response. The default is 10 s. */
  readonly timeoutMs?: number;
  /** Whether to return the JSON of a successful response as text, for a caller that parses it in parts. */
  readonly asText?: boolean;
}

export interface ApiResponse {
  /** Any HTTP status, including 404 and 409. The caller interprets the status. */
  readonly status: number;
  /** The JSON value, the text if the type is not JSON, or undefined if the body is empty. */
  readonly body: unknown;
  /** The JSON instead of `body`, if the caller asked for text and the status is 200. */
  readonly json?: string;
  /** The Retry-After header, if the API server sent one. */
  readonly retryAfterMs?: number;
}

/** The response to a watch: the lines as they arrive, or a body if the status is not 200. */
interface ApiStream extends Disposable {
  readonly status: number;
  readonly body?: unknown;
  readonly retryAfterMs?: number;
  /** Ends when the server ends the response. Raises ApiServerUnreachable if the connection breaks. */
  readonly lines: AsyncIterable<string>;
}

/** A client of a Kubernetes API server. Disposing of it aborts requests in flight. */
export interface ApiClient extends Disposable {
  readonly server: string;
  /**
   * Sends one request and resolves with the response, whatever its status. Raises ApiServerUnreachable (no response, or
   * an incomplete one), ApiServerMalformed, DeadlineExceeded and Aborted.
   *
   * @example request('PATCH', '/api/v1/namespaces/a/secrets/b', { data },
   *   { contentType: 'application/merge-patch+json' })
   */
  request(method: Method, path: string, body?: unknown, options?: RequestOptions): Promise<ApiResponse>;
  /** Sends a GET and returns the response line by line. `timeoutMs` limits only the time until the headers arrive. */
  stream(path: string, options?: Pick<RequestOptions, 'accept' | 'signal' | 'timeoutMs'>): Promise<ApiStream>;
}

type Method = SendOptions['method'];

/**
 * Opens a client with the credentials of a kubeconfig or of the pod. Sends nothing yet. Raises ApiServerUnknown if
 * neither is configured.
 */
export async function openApiClient(options: ConnectOptions = {}): Promise<ApiClient> {
  return createApiClient(await connect(options));
}

export function createApiClient(connection: Connection): ApiClient {
  const { server } = connection;
  return {
    server,
    async request(method, path, body, options = {}) {
      const { accept = json, contentType = json, signal, timeoutMs = 10_000, asText = false } = options;
      using answer = await sendRequest(connection, { method, path, accept, contentType, body, signal, timeoutMs });
      if (asText && answer.status === 200 && isJson(answer)) {
        return { ...headOf(answer), body: undefined, json: await readText(answer) };
      }
      return { ...headOf(answer), body: await readBody(answer) };
    },
    async stream(path, { accept = json, signal, timeoutMs = 10_000 } = {}) {
      const answer = await sendRequest(connection, { method: 'GET', path, accept, signal, timeoutMs });
      const stop = () => answer[Symbol.dispose]();
      if (answer.status !== 200) {
        using _ = answer;
        return { ...headOf(answer), body: await readBody(answer), lines: none(), [Symbol.dispose]: stop };
      }
      answer.liftDeadline();
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

/**
 * The maximum number of characters of a response body. It limits the use of memory: a real page of 500 objects is far
 * smaller.
 */
const maxBodyLength = 256 * 1024 * 1024;

/**
 * The maximum number of characters of a line of a watch. etcd accepts requests of up to 1.5 MiB, and JSON can be
 * several times longer than protobuf.
 */
const maxLineLength = 16 * 1024 * 1024;

/** Reads the whole body: the JSON value, the text if the type is not JSON, or undefined if the body is empty. */
async function readBody(answer: Answer): Promise<unknown> {
  const text = await readText(answer);
  if (text === '') return undefined;
  return isJson(answer) ? parseJson(answer.what, text) : text;
}

function isJson({ response }: Answer): boolean {
  return /\bjson\b/.test(response.headers['content-type'] ?? '');
}

/** Parses the JSON of a response. Raises ApiServerMalformed. */
export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new MacvtapError('ApiServerMalformed', `${what}: invalid JSON: ${(thrown as Error).message}`, {
      cause: thrown,
    });
  }
}

async function readText(answer: Answer): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const part of readParts(answer)) {
    parts.push(part);
    length += part.length;
    if (length > maxBodyLength) throw tooLong(answer, 'the response', maxBodyLength);
  }
  return parts.join('');
}

/** Yields the lines of a response as they arrive, without line ends. Skips empty lines. */
async function* readLines(answer: Answer): AsyncGenerator<string, void, undefined> {
  let pending: string[] = [];
  let length = 0;
  for await (const part of readParts(answer)) {
    let start = 0;
    for (let end = part.indexOf('\n'); end >= 0; end = part.indexOf('\n', start)) {
      const line = [...pending, part.slice(start, end)].join('');
      pending = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < part.length) pending.push(part.slice(start));
    length += part.length - start;
    if (length > maxLineLength) throw tooLong(answer, 'a line', maxLineLength);
  }
  if (pending.join('').trim() !== '') yield pending.join('');
}

/** Yields the text parts of a response. Raises an error with a code if the response ends early. */
async function* readParts(answer: Answer): AsyncGenerator<string, void, undefined> {
  answer.response.setEncoding('utf8');
  const parts = answer.response[Symbol.asyncIterator]();
  for (;;) {
    const next = await parts.next().catch((thrown: unknown) => {
      throw answer.explain(thrown);
    });
    if (next.done) return;
    yield next.value as string;
  }
}

function tooLong({ what }: Answer, part: string, limit: number): MacvtapError {
  return new MacvtapError('ApiServerMalformed', `${what}: ${part} is longer than ${limit} characters`);
}
