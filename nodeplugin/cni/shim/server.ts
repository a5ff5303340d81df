// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { joinSignals } from '../../../runtime/abort-signals.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { type ConnectionLimit, connectionsWithin, limitConnections } from '../../../runtime/limit-connections.ts';
import { createSemaphore, type Semaphore } from '../../../runtime/locks.ts';
import { describeErrno, nameErrno } from '../../netlink/libc.ts';
import type { ShimRights } from '../cni-context.ts';
import { newestCNIVersion, toCNIError } from '../spec/cni-protocol.ts';
import { type AnswerFrame, decodeFrame, encodeFrame, maxLentBytes, type RequestFrame } from './frame.ts';
import { listenPersistently } from './socket-listener.ts';
import { createFrameStream, type FrameStream, readPeerCredentials, receiveDescriptor } from './unix-socket.ts';

export interface CNIServerOptions {
  /** @example '/run/kube-macvtap/cni.sock' */
  readonly path: string;
  /** Handles a request. Must never reject. */
  readonly handle: (request: RequestFrame, shim: ShimRights, signal: AbortSignal) => Promise<AnswerFrame>;
  /** Called for connections that fail before a request is handled. */
  readonly onFailure: (error: MacvtapError) => void;
  /** The time limit for a whole request to arrive, and for each answer of the shim. */
  readonly patienceMs?: number;
  /** The maximum number of open connections. */
  readonly maxConnections?: number;
}

/**
 * The default for `maxConnections`. The CNI plugin never needs more: each connection has one request, and a node has a
 * few hundred pods.
 */
const mostConnections = 512;

/**
 * The maximum number of incomplete requests that are read at the same time. It limits memory, because a request can
 * have up to 1.1 MiB. Nearly all requests are complete after the first read. Further incomplete requests wait in the
 * kernel's buffers.
 */
const readAtOnce = 16;

const defaultPatienceMs = 5_000;

/** How long requests in progress may continue after the server has stopped listening. */
const graceMs = 250;

/**
 * Serves the CNI plugin's shim until disposed. Only root can send requests: the mode of the socket's file and a check
 * of each peer's credentials ensure this. Replaces the socket of a killed server. Raises `CNISocketFailed`.
 */
export async function serveCNI(options: CNIServerOptions): Promise<AsyncDisposable> {
  const { path, handle, onFailure, patienceMs = defaultPatienceMs } = options;
  const { maxConnections = connectionsWithin(mostConnections) } = options;
  const stopping = new AbortController();
  const semaphore = createSemaphore(readAtOnce);
  const underWay = new Set<Promise<void>>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const serving = serveConnection(socket, { semaphore, limit }, handle, patienceMs, stopping.signal)
      .catch((thrown) => onFailure(MacvtapError.from(thrown)))
      .finally(() => void underWay.delete(serving));
    underWay.add(serving);
  });
  const limit = limitConnections(server, maxConnections);
  const listening = await listenPersistently({ server, path, onLost: onFailure });
  return {
    [Symbol.asyncDispose]: async () => {
      await listening[Symbol.asyncDispose]();
      const timer = setTimeout(() => stopping.abort(new Error('the node plugin ends')), graceMs);
      await Promise.all(underWay);
      clearTimeout(timer);
    },
  };
}

async function serveConnection(
  socket: Socket,
  { semaphore, limit }: { readonly semaphore: Semaphore; readonly limit: ConnectionLimit },
  handle: CNIServerOptions['handle'],
  patienceMs: number,
  stopping: AbortSignal,
): Promise<void> {
  using busy = new DisposableStack();
  // The stream reports errors to its readers. Without this listener, an error would end the process.
  socket.on('error', () => {});
  using scope = joinSignals([stopping]);
  const { signal } = scope;
  const onGone = () => scope.abort(new Error('the CNI plugin closed the connection'));
  socket.once('close', onGone);
  const stream = createFrameStream(socket);
  try {
    checkPeer(socket);
    const frame = await readRequest(stream, semaphore, patienceMs, signal);
    // The connection counts as busy until the answer is sent.
    busy.use(limit.busy(socket));
    // From here on, the request is aborted if the connection ends, even while no frame is being read.
    socket.once('end', onGone);
    const rights = { own: ownOver(stream, patienceMs), lendNetlink: lendOver(socket, patienceMs) };
    const answer = await handle(frame, rights, signal);
    // The request is over, so the end of the connection need not abort it.
    socket.off('close', onGone).off('end', onGone);
    stream.write(answer);
  } catch (thrown) {
    const output = JSON.stringify(toCNIError(thrown, newestCNIVersion, 'the CNI plugin called'));
    if (socket.writable) stream.write({ type: 'answer', exitCode: 1, output });
    throw thrown;
  } finally {
    await endOf(socket, patienceMs);
  }
}

/** Reads the request within `patienceMs`, which includes the wait for the semaphore. */
async function readRequest(
  stream: FrameStream,
  semaphore: Semaphore,
  patienceMs: number,
  signal: AbortSignal,
): Promise<RequestFrame> {
  const endMs = performance.now() + patienceMs;
  const readRest = () => stream.next(signal, Math.max(0, endMs - performance.now()));
  const frame = (await stream.begin(signal, patienceMs)) ?? (await semaphore.run(readRest));
  if (frame.type !== 'request') throw unexpected(frame.type);
  return frame;
}

/** Raises `CNISocketFailed` if the peer is not root. */
function checkPeer(socket: Socket): void {
  const peer = readPeerCredentials(socket);
  if (peer === undefined || peer.uid === 0) return;
  throw new MacvtapError(
    'CNISocketFailed',
    `process ${peer.pid} of user ${peer.uid} called the CNI socket, which only root may use`,
    {
      facts: { pid: peer.pid, uid: peer.uid },
    },
  );
}

function ownOver(stream: FrameStream, patienceMs: number): ShimRights['own'] {
  return async (node, signal) => {
    stream.write({ type: 'own', ...node });
    const frame = await stream.next(signal, patienceMs).catch((thrown: unknown) => {
      const { code, message } = MacvtapError.from(thrown);
      throw new MacvtapError(code, `${message}; kubelet tries again`, { cause: thrown });
    });
    if (frame.type !== 'owned') throw unexpected(frame.type);
    if (frame.errno === 0) return;
    const { step, errno } = frame;
    const mayNot = nameErrno(errno) === 'EPERM';
    throw new MacvtapError(
      'TapNodeNotOwned',
      `/dev/tap${node.ifindex} cannot be given to ${node.uid}:${node.gid}: ${step}: ${describeErrno(errno)}; ` +
        (mayNot
          ? 'let the container runtime run its CNI plugins as root, with CAP_CHOWN and CAP_FOWNER'
          : "check whether the node's /dev has it"),
      { facts: { ...node, step, errno } },
    );
  };
}

function lendOver(socket: Socket, patienceMs: number): ShimRights['lendNetlink'] {
  return async (signal) => {
    using scope = joinSignals([signal], patienceMs);
    const ask = () => void socket.write(encodeFrame({ type: 'lend' }));
    const { bytes, descriptor } = await receiveDescriptor(socket, maxLentBytes, ask, scope.signal);
    using undo = new DisposableStack();
    if (descriptor !== undefined) undo.defer(() => closeSync(descriptor));
    const frame = decodeFrame(bytes);
    if (frame.type !== 'lent') throw unexpected(frame.type);
    if (descriptor === undefined) {
      const why = `${frame.step}: ${describeErrno(frame.errno)}`;
      throw new MacvtapError('NetnsUnreachable', `the CNI plugin cannot enter the pod's network namespace: ${why}`);
    }
    undo.move();
    return descriptor;
  };
}

/** Ends the connection once the peer has read the answer, or after `patienceMs`. */
async function endOf(socket: Socket, patienceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  socket.once('close', resolve);
  socket.end(resolve);
  if (socket.destroyed) resolve();
  await promise;
  clearTimeout(timer);
  socket.destroy();
}

function unexpected(type: string): MacvtapError {
  return new MacvtapError(
    'CNIFrameMalformed',
    `the CNI plugin sent an unexpected frame of type ${type}; install the CNI plugin of the same release`,
  );
}
