// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { MacvtapError } from '../../runtime/errors.ts';
import { decodeFrame, decodeFrameHeader, encodeFrame, type Frame, frameHeaderLength } from './frame.ts';

/** A connection as frames. */
export interface FrameStream {
  /**
   * The next frame; the socket is read only while somebody waits for one. Raises `CNIFrameMalformed`, and `Aborted`
   * when the peer or the signal ends first.
   */
  next(signal: AbortSignal): Promise<Frame>;
  write(frame: Frame): void;
}

/** For a socket that is paused and that nobody else reads. Never holds more than one frame and one chunk. */
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
  return {
    write: (frame) => void socket.write(encodeFrame(frame)),
    async next(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Frame>();
      using listening = new DisposableStack();
      const look = () => {
        try {
          const frame = take();
          if (frame !== undefined) resolve(frame);
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
      listening.defer(
        () => void socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError),
      );
      signal.addEventListener('abort', onAbort, { once: true });
      listening.defer(() => signal.removeEventListener('abort', onAbort));
      if (signal.aborted) onAbort();
      else if (socket.destroyed || socket.readableEnded) reject(aborted('the connection is closed'));
      look();
      socket.resume();
      listening.defer(() => void socket.pause());
      return await promise;
    },
  };
}

function aborted(reason: unknown): MacvtapError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new MacvtapError('Aborted', `waiting for the CNI plugin was given up: ${text}`, { cause: reason });
}
