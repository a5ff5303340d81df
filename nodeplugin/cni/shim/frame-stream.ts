// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { MacvtapError } from '../../../runtime/errors.ts';
import { decodeFrame, decodeFrameHeader, encodeFrame, type Frame, frameHeaderLength } from './frame.ts';

/** The frames of a connection. */
export interface FrameStream {
  /**
   * Reads the next frame. The socket is paused while no caller waits. Raises `CNIFrameMalformed`, and `Aborted` if the
   * peer closes the connection or the signal aborts first.
   */
  next(signal: AbortSignal): Promise<Frame>;
  /**
   * Waits for the first bytes, and reads at most 64 KiB. Returns the frame if these bytes contain all of it. Otherwise
   * returns undefined, and `next` reads the rest. Raises the same errors as `next`.
   */
  begin(signal: AbortSignal): Promise<Frame | undefined>;
  write(frame: Frame): void;
}

/**
 * Creates the frame stream of a socket, which must be paused and have no other reader. The stream buffers at most one
 * frame and one chunk.
 */
export function createFrameStream(socket: Socket): FrameStream {
  let received: Uint8Array[] = [];
  let length = 0;
  let needed = frameHeaderLength;
  const take = (): Frame | undefined => {
    if (length < needed) return undefined;
    const bytes = Buffer.concat(received);
    received = [bytes];
    needed = frameHeaderLength + decodeFrameHeader(bytes).bodyLength;
    if (length < needed) return undefined;
    const frame = decodeFrame(bytes.subarray(0, needed));
    received = [bytes.subarray(needed)];
    length -= needed;
    needed = frameHeaderLength;
    return frame;
  };
  /** Reads until `find` returns a value from the received bytes. */
  const read = async <Found>(find: () => Found | undefined, signal: AbortSignal): Promise<Found> => {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    using listening = new DisposableStack();
    const look = () => {
      try {
        const found = find();
        if (found !== undefined) resolve(found);
      } catch (thrown) {
        reject(thrown);
      }
    };
    const onAbort = () => reject(aborted(signal.reason));
    const onData = (chunk: Uint8Array) => {
      received.push(chunk);
      length += chunk.length;
      look();
    };
    const onEnd = () => reject(aborted('the CNI plugin closed the connection'));
    const onError = (error: Error) => reject(aborted(error));
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    listening.defer(() => void socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError));
    signal.addEventListener('abort', onAbort, { once: true });
    listening.defer(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
    else if (socket.destroyed || socket.readableEnded) reject(aborted('the connection is closed'));
    look();
    socket.resume();
    listening.defer(() => void socket.pause());
    return await promise;
  };
  return {
    write: (frame) => void socket.write(encodeFrame(frame)),
    next: (signal) => read(take, signal),
    async begin(signal) {
      const find = () => {
        const frame = take();
        return frame !== undefined || length > 0 ? { frame } : undefined;
      };
      return (await read(find, signal)).frame;
    },
  };
}

function aborted(reason: unknown): MacvtapError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new MacvtapError('Aborted', `the wait for the CNI plugin was cancelled: ${text}`, { cause: reason });
}
