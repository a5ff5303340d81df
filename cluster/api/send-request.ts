// SPDX-License-Identifier: Apache-2.0
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Connection, Credentials } from './connection.ts';
import { limitTime, type TimeLimit } from './time-limit.ts';
import { dropIdleSockets } from './tls-agents.ts';

export interface SendOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly accept: string;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** An answer whose head is there; its end, read or not, is the scope's. */
export interface Answer extends Disposable {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly response: IncomingMessage;
  /** @example 'GET https://10.96.0.1:443/api/v1/nodes' */
  readonly what: string;
  /** From now on the answer may take as long as it wants. */
  startedWell(): void;
  /** The error for what the reading of the answer threw. */
  explain(thrown: unknown): MacvtapError;
}

/**
 * Sends one request. Where the API server does not know the credentials, they may have been replaced since they were
 * read: they are read again and the request sent once more.
 */
export async function sendRequest(connection: Connection, options: SendOptions): Promise<Answer> {
  const answer = await attempt(connection, options, false);
  if (answer.status !== 401) return answer;
  answer[Symbol.dispose]();
  return attempt(connection, options, true);
}

async function attempt(connection: Connection, options: SendOptions, renew: boolean): Promise<Answer> {
  const { method, path, signal, timeoutMs } = options;
  const what = `${method} ${connection.server}${path}`;
  const limit = limitTime(what, timeoutMs, signal);
  let agent: Credentials['agent'] | undefined;
  const explain = (thrown: unknown): MacvtapError => {
    if (agent !== undefined) dropIdleSockets(agent);
    return limit.reason ?? unreachable(what, thrown);
  };
  try {
    const credentials = await limit.race(connection.credentials(renew));
    agent = credentials.agent;
    const response = await exchange(connection.server, options, credentials, limit);
    return {
      status: response.statusCode ?? 0,
      retryAfterMs: retryAfterMs(response),
      response,
      what,
      startedWell: () => limit.lift(),
      explain,
      [Symbol.dispose]() {
        limit[Symbol.dispose]();
        // The socket of an answer that was read to its end goes back to the agent; any other is of no more use.
        if (!response.complete) response.destroy();
      },
    };
  } catch (thrown) {
    const error = explain(thrown);
    limit[Symbol.dispose]();
    throw error;
  }
}

/**
 * An idle socket that the server closed at the very moment shows as a reset: what can be repeated is sent once more, on a
 * socket of its own.
 */
async function exchange(
  server: string,
  options: SendOptions,
  credentials: Credentials,
  limit: TimeLimit,
): Promise<IncomingMessage> {
  const first = begin(server, options, credentials, limit.signal);
  try {
    return await responseOf(first);
  } catch (thrown) {
    const isReset = (thrown as NodeJS.ErrnoException).code === 'ECONNRESET';
    if (!isReset || !first.reusedSocket || options.method === 'POST' || limit.signal.aborted) throw thrown;
    dropIdleSockets(credentials.agent);
    return await responseOf(begin(server, options, credentials, limit.signal));
  }
}

function begin(server: string, options: SendOptions, credentials: Credentials, signal: AbortSignal): ClientRequest {
  const { method, path, accept, contentType, body } = options;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept,
    'user-agent': 'kube-macvtap',
    ...(text !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
    ...credentials.headers,
  };
  const send = server.startsWith('http:') ? requestPlain : requestTls;
  // The server may have a path of its own, as behind Rancher's proxy.
  const request = send(`${server}${path}`, { method, headers, agent: credentials.agent, signal });
  request.end(text);
  return request;
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once('response', resolve);
  // Not once: a request that is cut fails twice, and an error that nobody hears ends the process.
  request.on('error', reject);
  return promise;
}

/** RFC 9110, 10.2.3; the API server sends seconds. */
function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

function unreachable(what: string, thrown: unknown): MacvtapError {
  if (thrown instanceof MacvtapError) return thrown;
  const { message, code } = thrown as NodeJS.ErrnoException;
  const text = message === '' ? (code ?? 'no connection') : message;
  return new MacvtapError(
    'ApiServerUnreachable',
    `${what}: ${text}; see whether the API server is up and can be reached`,
    {
      cause: thrown,
    },
  );
}
