// SPDX-License-Identifier: Apache-2.0
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { joinSignals } from '../../runtime/abort-signals.ts';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';

/** Called for each failed call with the whole error, for the log. Kubelet gets only the error's text. */
export type FailureListener = (method: string, error: MacvtapError) => void;

/**
 * Makes a gRPC handler from a function. Every error becomes a gRPC status, so that no error ends the process. The
 * function's signal aborts when the caller cancels the call, or when `stopping` aborts.
 */
export function answerUnary<Request, Response>(
  handle: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  stopping: AbortSignal,
  onFailure: FailureListener,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const scope = joinSignals([stopping]);
    const onCancelled = () => scope.abort(new MacvtapError('Aborted', `the caller of ${call.getPath()} cancelled it`));
    call.once('cancelled', onCancelled);
    const answer = Promise.try(handle, call.request, scope.signal).finally(() => {
      // gRPC emits this event also after each answered call.
      call.off('cancelled', onCancelled);
      scope[Symbol.dispose]();
    });
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
  /** Ends every stream from the server's side. */
  end(): void;
}

/**
 * Creates a group of streams. `follow` feeds a stream until disposed. `onLastGone` is called when the peer has ended
 * the last open stream.
 */
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

/**
 * Returns the gRPC status for the error of a handler. Kubelet uses only the text and writes it to the pod's event, so
 * most error codes become `INTERNAL`.
 *
 * @example { code: 4, details: 'Allocate dataplaneMvp3 on bond1: …' }
 */
export function toGrpcStatus(thrown: unknown): Pick<StatusObject, 'code' | 'details'> {
  const error = MacvtapError.from(thrown);
  // gRPC encodes the text with encodeURI, which throws on half of a surrogate pair. Truncating the text may leave such
  // a half.
  const details = error.message.slice(0, maxDetailsLength).toWellFormed();
  return { code: statusOfCode[error.code] ?? status.INTERNAL, details };
}

const statusOfCode: Readonly<Partial<Record<ErrorCode, status>>> = {
  Aborted: status.CANCELLED,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
};

// The text is sent in an HTTP/2 header, percent-encoded. Each UTF-16 unit takes at most nine bytes, so the text takes
// at most 9 KiB. HTTP/2 implementations commonly accept 16 KiB for all headers of a message.
const maxDetailsLength = 1024;
