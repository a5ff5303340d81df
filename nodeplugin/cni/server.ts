// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { joinSignals } from '../../runtime/join-signals.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import type { OwnTap } from './cni-context.ts';
import { toCNIError } from './cni-error.ts';
import { newestCNIVersion } from './cni-version.ts';
import type { Frame } from './frame.ts';
import { createFrameStream, type FrameStream } from './frame-stream.ts';
import type { AnswerFrame, RequestFrame } from './handle-request.ts';
import { makeDirectory } from './make-directory.ts';
import { readPeerCredentials } from './peer-credentials.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';

export interface CNIServerOptions {
  /** @example '/run/kube-macvtap/cni.sock' */
  readonly path: string;
  /** Answers whatever happens. */
  readonly handle: (request: RequestFrame, own: OwnTap, signal: AbortSignal) => Promise<AnswerFrame>;
  /** A connection that led to no request. */
  readonly onFailure: (error: MacvtapError) => void;
  /** In which a request must have come, and a node have been given away. */
  readonly patienceMs?: number;
}

/** A connection has at most one request, and a node at most some hundred pods: what is more is no CNI plugin. */
const maxConnections = 512;

/** A request is up to 1.1 MiB; those that wait for their turn stay in the kernel's buffers. */
const readAtOnce = 16;

const defaultPatienceMs = 5_000;

/** In which requests under way may come to their end when the server stops. */
const graceMs = 250;

/** Of the kernel's sun_path (linux/un.h), with its NUL, for the longer of the two paths. */
const maxPathBytes = 107;

/**
 * Serves the CNI plugin's shim until disposed: root alone, by the mode of the socket's file and by the kernel's word on
 * each connection. Takes the path from a server that was killed. Raises `CNISocketFailed`.
 */
export async function serveCNI(options: CNIServerOptions): Promise<AsyncDisposable> {
  const { path, handle, onFailure, patienceMs = defaultPatienceMs } = options;
  const stopping = new AbortController();
  const turnstile = createTurnstile(readAtOnce);
  const underWay = new Set<Promise<void>>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const serving = serveConnection(socket, turnstile, handle, patienceMs, stopping.signal)
      .catch((thrown) => onFailure(MacvtapError.from(thrown)))
      .finally(() => void underWay.delete(serving));
    underWay.add(serving);
  });
  server.maxConnections = maxConnections;
  const inode = await listen(server, path);
  return {
    [Symbol.asyncDispose]: async () => {
      // A successor may have the path by now.
      if (inodeOf(path) === inode) await rm(path, { force: true });
      server.close();
      const timer = setTimeout(() => stopping.abort(new Error('the node plugin ends')), graceMs);
      await Promise.all(underWay);
      clearTimeout(timer);
    },
  };
}

async function serveConnection(
  socket: Socket,
  turnstile: Turnstile,
  handle: CNIServerOptions['handle'],
  patienceMs: number,
  stopping: AbortSignal,
): Promise<void> {
  // Whoever waits for a frame hears of it; nobody else has to.
  socket.on('error', () => {});
  using scope = joinSignals([stopping]);
  const { signal } = scope;
  const onGone = () => scope.abort(new Error('the CNI plugin closed the connection'));
  socket.once('close', onGone);
  const stream = createFrameStream(socket);
  try {
    checkPeer(socket);
    const frame = await turnstile.run(() => nextWithin(patienceMs, stream, signal));
    if (frame.type !== 'request') throw unexpected(frame.type);
    // From here on its end is the end of the request, also while no frame is waited for.
    socket.once('end', onGone);
    const answer = await handle(frame, ownOver(stream, patienceMs), signal);
    stream.write(answer);
  } catch (thrown) {
    const output = JSON.stringify(toCNIError(thrown, newestCNIVersion, 'the CNI plugin called'));
    if (socket.writable) stream.write({ type: 'answer', exitCode: 1, output });
    throw thrown;
  } finally {
    await endOf(socket, patienceMs);
  }
}

async function nextWithin(patienceMs: number, stream: FrameStream, signal: AbortSignal): Promise<Frame> {
  using scope = joinSignals([signal], patienceMs);
  return await stream.next(scope.signal);
}

/** Raises `CNISocketFailed` for anybody but root. */
function checkPeer(socket: Socket): void {
  const peer = readPeerCredentials(socket);
  if (peer === undefined || peer.uid === 0) return;
  throw new MacvtapError(
    'CNISocketFailed',
    `process ${peer.pid} of user ${peer.uid} called the CNI socket, which is root's alone`,
    {
      facts: { pid: peer.pid, uid: peer.uid },
    },
  );
}

function ownOver(stream: FrameStream, patienceMs: number): OwnTap {
  return async (node, signal) => {
    stream.write({ type: 'own', ...node });
    const frame = await nextWithin(patienceMs, stream, signal).catch((thrown: unknown) => {
      const { code, message } = MacvtapError.from(thrown);
      throw new MacvtapError(code, `${message}; it is tried again`, { cause: thrown });
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
          : "see whether the node's /dev has it"),
      { facts: { ...node, step, errno } },
    );
  };
}

/** Lets the answer go out, to a peer that reads it. */
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

/**
 * Binds beside the path and renames: the file has its mode before anybody can find it, and it replaces what a killed
 * server left. Returns its inode.
 */
async function listen(server: Server, path: string): Promise<number | undefined> {
  const temporary = `${path}.new`;
  if (Buffer.byteLength(temporary) > maxPathBytes) {
    throw new MacvtapError(
      'CNISocketFailed',
      `cannot serve CNI on ${path}: the path is too long for a socket; choose a shorter one`,
    );
  }
  try {
    await makeDirectory(dirname(path));
    await rm(temporary, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(temporary, resolve);
    await promise;
    await chmod(temporary, 0o600);
    await rename(temporary, path);
    return inodeOf(path);
  } catch (thrown) {
    server.close();
    throw new MacvtapError(
      'CNISocketFailed',
      `cannot serve CNI on ${path}: ${(thrown as Error).message}; check its directory`,
      {
        facts: { path },
        cause: thrown,
      },
    );
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function unexpected(type: string): MacvtapError {
  return new MacvtapError(
    'CNIFrameMalformed',
    `the CNI plugin sent a frame of type ${type} where none belongs; install the one that came along`,
  );
}
