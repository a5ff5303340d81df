// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { MacvtapError } from '../runtime/errors.ts';

/** A gRPC connection to a unix socket, which is closed when this object is disposed. */
export interface SocketClient extends Disposable {
  readonly path: string;
  /**
   * Sends one request and returns the answer. Rejects with gRPC's `ServiceError`, or with `Aborted` if the signal
   * aborted. Rejects at once if no process listens on the socket.
   */
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    limits: CallLimits,
  ): Promise<Response>;
  /** The gRPC client, for streams. */
  readonly client: Client;
}

interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface DialOptions {
  /** The largest accepted answer. gRPC's default is 4 MiB. */
  readonly maxAnswerBytes?: number;
}

/** Creates a client for the socket at an absolute path. gRPC connects with the first call. */
export function dialSocket(path: string, { maxAnswerBytes }: DialOptions = {}): SocketClient {
  const client = new Client(`unix:${path}`, credentials.createInsecure(), {
    // Connections are not pooled. A pooled connection would outlive this client, and by the next call another process
    // may serve the path.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    ...(maxAnswerBytes !== undefined && { 'grpc.max_receive_message_length': maxAnswerBytes }),
  });
  return {
    path,
    client,
    call: (method, request, limits) => callUnary(client, path, method, request, limits),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Describes why a call failed. @example 'UNAVAILABLE: No connection established. …' */
export function describeFailure(thrown: unknown): string {
  if (!isServiceError(thrown)) return MacvtapError.from(thrown).message;
  return `${status[thrown.code] ?? thrown.code}: ${thrown.details}`;
}

async function callUnary<Request, Response>(
  client: Client,
  path: string,
  method: MethodDefinition<Request, Response>,
  request: Request,
  { timeoutMs, signal }: CallLimits,
): Promise<Response> {
  if (signal?.aborted) throw aborted(method.path, path, signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const call = client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    { deadline: Date.now() + timeoutMs },
    (error, response) => {
      if (signal?.aborted) reject(aborted(method.path, path, signal.reason));
      else if (error) reject(error);
      else resolve(response as Response);
    },
  );
  const cancel = (): void => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

function aborted(method: string, path: string, cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', `the call of ${method} on ${path} was cancelled`, { cause });
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown;
}
