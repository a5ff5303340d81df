// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { MacvtapError } from '../../../runtime/errors.ts';
import { readI32, readU32, writeU32 } from '../../netlink/attributes.ts';
import { describeErrno, errno, libc, type MessageHeader, nameErrno, watchReadable } from '../../netlink/libc.ts';
import { decodeFrame, decodeFrameHeader, encodeFrame, type Frame, frameHeaderLength } from './frame.ts';

/** The process at the other end of a unix socket, as the kernel recorded it at connect(2). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
}

// From asm-generic/socket.h. The fields of struct ucred (linux/socket.h) are pid_t pid, uid_t uid and gid_t gid.
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const ucredLength = 12;

/**
 * Reads the peer's credentials from the kernel. Node.js keeps the socket's descriptor in an undocumented field, and
 * this function returns undefined if that field is missing. The mode of the socket's file must therefore protect the
 * socket even without this check.
 */
export function readPeerCredentials(socket: Socket): PeerCredentials | undefined {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: unknown } | null };
  const fd = handle?.fd;
  if (typeof fd !== 'number' || fd < 0) return undefined;
  const value = new Uint8Array(ucredLength);
  const length = new Uint8Array(4);
  writeU32(length, 0, ucredLength);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0 || readU32(length, 0) !== ucredLength)
    return undefined;
  return { pid: readI32(value, 0), uid: readU32(value, 4) };
}

/** The bytes of a message, and the descriptor that was sent with them. The caller must close the descriptor. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly descriptor?: number;
}

// From bits/socket.h. MSG_CMSG_CLOEXEC exists since Linux 2.6.23.
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CTRUNC = 0x8;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/**
 * The size of struct cmsghdr on a 64-bit system: size_t length, int level, int type. CMSG_SPACE(sizeof(int)) rounds the
 * data up to 8 bytes.
 */
const cmsgHeaderLength = 16;
const cmsgSpace = cmsgHeaderLength + 8;

/**
 * Receives the next bytes of a paused unix socket together with a descriptor. Node.js cannot receive it, because it
 * reads with read(2), and the kernel then discards the descriptor. `request` must request the message from the peer. It
 * is called after this function has started to listen.
 *
 * Raises `CNISocketFailed`, and `Aborted` if the signal aborts first.
 */
export async function receiveDescriptor(
  socket: Socket,
  maxBytes: number,
  request: () => void,
  signal: AbortSignal,
): Promise<Received> {
  using reading = stopReading(socket);
  // libuv can watch a descriptor only once, and Node already watches this one. A duplicate descriptor can be watched.
  const fd = libc.dup(reading.fd);
  if (fd < 0) throw failed('dup');
  using scope = new DisposableStack();
  scope.defer(() => libc.close(fd));
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  scope.use(
    watchReadable(fd, () => {
      try {
        const received = receiveNow(fd, maxBytes);
        if (received !== undefined) resolve(received);
      } catch (thrown) {
        reject(thrown);
      }
    }),
  );
  const onAbort = () =>
    reject(new MacvtapError('Aborted', 'the wait for the CNI plugin was cancelled', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  scope.defer(() => signal.removeEventListener('abort', onAbort));
  if (signal.aborted) onAbort();
  else request();
  return await promise;
}

/**
 * Stops Node from reading the socket, and resumes the reads when disposed. Pausing the socket is not enough, because
 * Node reads from a paused socket until its buffer is full.
 */
function stopReading(socket: Socket): Disposable & { readonly fd: number } {
  const { _handle: handle } = socket as {
    readonly _handle?: { readonly fd: number; readStart(): void; readStop(): void } | null;
  };
  if (handle === undefined || handle === null) {
    throw new MacvtapError('Aborted', 'the CNI plugin closed the connection');
  }
  handle.readStop();
  return {
    fd: handle.fd,
    [Symbol.dispose]() {
      // Without this call, the stream would not read again, because it assumes that a read is still in progress.
      if (!socket.destroyed) handle.readStart();
    },
  };
}

function receiveNow(fd: number, maxBytes: number): Received | undefined {
  const data = new Uint8Array(maxBytes);
  const control = new Uint8Array(cmsgSpace);
  const message: MessageHeader = {
    msg_name: null,
    msg_namelen: 0,
    msg_iov: [{ iov_base: data, iov_len: data.length }],
    msg_iovlen: 1,
    msg_control: control,
    msg_controllen: control.length,
    msg_flags: 0,
  };
  const length = libc.recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) {
    if (nameErrno(errno()) === 'EAGAIN') return undefined;
    throw failed('recvmsg');
  }
  if (length === 0) throw new MacvtapError('Aborted', 'the CNI plugin closed the connection');
  const descriptor = descriptorIn(control.subarray(0, message.msg_controllen));
  if ((message.msg_flags & MSG_CTRUNC) !== 0) {
    if (descriptor !== undefined) libc.close(descriptor);
    throw new MacvtapError('CNIFrameMalformed', 'the CNI plugin sent more than one descriptor');
  }
  return { bytes: data.subarray(0, length), ...(descriptor !== undefined && { descriptor }) };
}

function descriptorIn(control: Uint8Array): number | undefined {
  if (control.length < cmsgHeaderLength + 4) return undefined;
  const isRights = readU32(control, 8) === SOL_SOCKET && readU32(control, 12) === SCM_RIGHTS;
  return isRights ? readI32(control, cmsgHeaderLength) : undefined;
}

function failed(call: string): MacvtapError {
  return new MacvtapError('CNISocketFailed', `cannot receive from the CNI plugin: ${call}: ${describeErrno(errno())}`);
}

/** The frames of a connection. */
export interface FrameStream {
  /**
   * Reads the next frame. The socket is paused while no caller waits. Raises `CNIFrameMalformed`, and `Aborted` if the
   * peer closes the connection, the signal aborts or `timeoutMs` passes first.
   */
  next(signal: AbortSignal, timeoutMs: number): Promise<Frame>;
  /**
   * Waits for the first bytes, and reads at most 64 KiB. Returns the frame if these bytes contain all of it. Otherwise
   * returns undefined, and `next` reads the rest. Raises the same errors as `next`.
   */
  begin(signal: AbortSignal, timeoutMs: number): Promise<Frame | undefined>;
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
  const read = async <Found>(find: () => Found | undefined, signal: AbortSignal, timeoutMs: number): Promise<Found> => {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
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
    // A timer instead of a joined signal, which takes several times as long to create.
    const timer = setTimeout(() => reject(aborted(`it took more than ${timeoutMs} ms`)), timeoutMs).unref();
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      else if (socket.destroyed || socket.readableEnded) reject(aborted('the connection is closed'));
      look();
      socket.resume();
      return await promise;
    } finally {
      socket.pause();
      signal.removeEventListener('abort', onAbort);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      clearTimeout(timer);
    }
  };
  return {
    write: (frame) => void socket.write(encodeFrame(frame)),
    next: (signal, timeoutMs) => read(take, signal, timeoutMs),
    async begin(signal, timeoutMs) {
      const find = () => {
        const frame = take();
        return frame !== undefined || length > 0 ? { frame } : undefined;
      };
      return (await read(find, signal, timeoutMs)).frame;
    },
  };
}

function aborted(reason: unknown): MacvtapError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new MacvtapError('Aborted', `the wait for the CNI plugin was cancelled: ${text}`, { cause: reason });
}
