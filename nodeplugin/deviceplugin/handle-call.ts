// SPDX-License-Identifier: Apache-2.0
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { joinSignals } from '../../runtime/join-signals.ts';
import { toGrpcStatus } from './grpc-status.ts';

/** Told of each failed call, for the log: kubelet gets the text only. */
export type FailureListener = (method: string, error: MacvtapError) => void;

/**
 * Makes a gRPC handler of a function. Whatever it throws becomes a status: nothing escapes to the process. The signal
 * ends when the caller gives up, or when `stopping` does.
 */
export function answerUnary<Request, Response>(
  handle: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  stopping: AbortSignal,
  onFailure: FailureListener,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const scope = joinSignals([stopping]);
    call.once('cancelled', () =>
      scope.abort(new MacvtapError('Aborted', `${call.getPath()} was given up by its caller`)),
    );
    const answer = Promise.try(handle, call.request, scope.signal).finally(() => scope[Symbol.dispose]());
    answer.then(
      (response) => callback(null, response),
      (thrown: unknown) => {
        callback(toGrpcStatus(thrown));
        onFailure(call.getPath(), MacvtapError.from(thrown));
      },
    );
  };
}

/** The open streams of a server. */
export interface StreamGroup<Request, Response> {
  readonly handler: handleServerStreamingCall<Request, Response>;
  /** Ends every stream from our side. */
  end(): void;
}

/** Keeps streams that only the peer ends. `follow` feeds one until it is disposed; `onLastGone` tells that none is left. */
export function createStreamGroup<Request, Response>(
  follow: (stream: ServerWritableStream<Request, Response>) => Disposable,
  onLastGone: () => void,
): StreamGroup<Request, Response> {
  const open = new Map<ServerWritableStream<Request, Response>, Disposable>();
  return {
    handler: (stream) => {
      open.set(stream, follow(stream));
      stream.once('cancelled', () => {
        open.get(stream)?.[Symbol.dispose]();
        if (open.delete(stream) && open.size === 0) onLastGone();
      });
    },
    end: () => {
      for (const [stream, following] of open) {
        following[Symbol.dispose]();
        stream.end();
      }
      open.clear();
    },
  };
}
