// SPDX-License-Identifier: Apache-2.0
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Connection, type Credentials, dropIdleSockets } from './connection.ts';

export interface SendOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly accept: string;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * An HTTP response after its headers have arrived. Disposing of it closes the response, even if its body was not read.
 */
export interface Answer extends Disposable {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly response: IncomingMessage;
  /** @example 'GET https://10.96.0.1:443/api/v1/nodes' */
  readonly what: string;
  /** Removes the deadline, so that the body may take any time. */
  liftDeadline(): void;
  /** Converts an exception from reading the body to an error with a code. */
  explain(thrown: unknown): MacvtapError;
}

/**
 * Sends one request. If the API server rejects the credentials (401), reads them again and repeats the request. The
 * credentials may have been replaced since the last read.
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
      liftDeadline: () => limit.lift(),
      explain,
      [Symbol.dispose]() {
        limit[Symbol.dispose]();
        // A completely read response returns its socket to the agent. If a response was not read completely, its socket
        // cannot be reused and is closed.
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
 * Sends a request, usually on an idle socket of an earlier request. The server may close that socket just when the
 * request is sent, which resets the connection. The request is then repeated once on a new socket, unless it is a POST.
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
  // The URL of the server may include a path, for example for Rancher's proxy.
  const request = send(`${server}${path}`, { method, headers, agent: credentials.agent, signal });
  request.end(text);
  return request;
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once('response', resolve);
  // Do not use `once`: an aborted request emits `error` twice, and an unhandled `error` ends the process.
  request.on('error', reject);
  return promise;
}

/** Returns the Retry-After header in milliseconds (RFC 9110, 10.2.3). The API server sends it in seconds. */
function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

function unreachable(what: string, thrown: unknown): MacvtapError {
  if (thrown instanceof MacvtapError) return thrown;
  const { message, code } = thrown as NodeJS.ErrnoException;
  const text = message === '' ? (code ?? 'no connection') : message;
  return new MacvtapError('ApiServerUnreachable', `${what}: ${text}; ${checkServer}`, { cause: thrown });
}

const checkServer = 'check that the API server is running and reachable';

/**
 * The time limit of one request: a deadline and the signal of the caller. Disposing of it removes its timer and
 * listener.
 */
interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** The error if the limit ended the request. */
  readonly reason: MacvtapError | undefined;
  /** Removes the deadline. The signal of the caller still applies. */
  lift(): void;
  /** Resolves with the promise, or rejects if the limit ends the request first. */
  race<Value>(promise: Promise<Value>): Promise<Value>;
}

/** Starts the time limit of a request. `what` names the request: `GET https://…`. */
function limitTime(what: string, timeoutMs: number, outer: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  let reason: MacvtapError | undefined;
  const end = (error: MacvtapError): void => {
    reason ??= error;
    controller.abort(error);
  };
  const onAbort = () => end(new MacvtapError('Aborted', `${what}: canceled`, { cause: outer?.reason }));
  const onTime = () =>
    end(new MacvtapError('DeadlineExceeded', `${what}: no complete response in ${timeoutMs} ms; ${checkServer}`));
  const timer = setTimeout(onTime, timeoutMs);
  outer?.addEventListener('abort', onAbort, { once: true });
  if (outer?.aborted) onAbort();
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    lift: () => clearTimeout(timer),
    async race(promise) {
      const { promise: ended, reject } = Promise.withResolvers<never>();
      const onEnd = () => reject(reason);
      controller.signal.addEventListener('abort', onEnd, { once: true });
      if (controller.signal.aborted) onEnd();
      try {
        return await Promise.race([promise, ended]);
      } finally {
        controller.signal.removeEventListener('abort', onEnd);
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}
