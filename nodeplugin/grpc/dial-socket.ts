// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';

/** A gRPC connection to a unix socket, closed when its scope ends. */
export interface SocketClient extends Disposable {
  readonly path: string;
  /**
   * One request, one answer. Fails with the `ServiceError` of gRPC, or with `Aborted` when the signal did it.
   * Never waits for a peer that is not there: no listener is an error at once.
   */
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    limits: CallLimits,
  ): Promise<Response>;
  /** The client itself, for streams. */
  readonly client: Client;
}

interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface DialOptions {
  /** The largest answer that is read; gRPC's own limit is 4 MiB. */
  readonly maxAnswerBytes?: number;
}

/** Opens nothing yet: gRPC connects with the first call. `path` is absolute. */
export function dialSocket(path: string, { maxAnswerBytes }: DialOptions = {}): SocketClient {
  const client = new Client(`unix:${path}`, credentials.createInsecure(), {
    // A path may be served by another process the next time; a pooled connection would outlive this client.
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

/** The reason of a failed call in words: `UNAVAILABLE: No connection established. …`. */
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
  return new MacvtapError('Aborted', `calling ${method} on ${path} was given up`, { cause });
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown;
}
