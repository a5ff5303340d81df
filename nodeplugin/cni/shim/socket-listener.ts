// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { MacvtapError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/pause.ts';
import { watchDirectory } from '../../../runtime/watch-directory.ts';

export interface ListeningOptions {
  readonly server: Server;
  /** @example '/run/kube-macvtap/cni.sock' */
  readonly path: string;
  /** Called when a lost socket is served again, and after the first failed attempt to do so. */
  readonly onLost: (error: MacvtapError) => void;
}

/**
 * The maximum length of a socket path: sun_path (linux/un.h) has 108 bytes, including the NUL. `listen` first binds to
 * a longer, temporary path, which must also fit.
 */
const maxPathBytes = 107;

/** The wait between attempts to listen again doubles from `first` to `most`. */
const retryMs = { first: 100, most: 5_000 } as const;

/** The polling interval, in case inotify does not report a removed socket. */
const pollMs = 5_000;

/**
 * Makes a server listen on a path until disposed, and listen again if it loses its socket. It loses the socket if the
 * file is removed, or if accept(2) fails.
 *
 * When the process has run out of descriptors, libuv normally rejects connections with a spare descriptor. If another
 * thread has taken the spare descriptor, the server gets EMFILE. Accept would then fail again in each turn of the event
 * loop. The server therefore stops listening and tries again later. Open connections are not affected.
 *
 * Replaces the socket file of a killed server. Disposing does not remove the socket file of a successor. Raises
 * `CNISocketFailed`.
 */
export async function listenPersistently({ server, path, onLost }: ListeningOptions): Promise<AsyncDisposable> {
  const stopping = new AbortController();
  let inode = await listen(server, path);
  let reopening: Promise<void> | undefined;
  const reopen = async (why: string): Promise<void> => {
    server.close();
    let isReported = false;
    for (let ms: number = retryMs.first; ; ms = Math.min(2 * ms, retryMs.most)) {
      await pause(ms, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        inode = await listen(server, path);
        onLost(lost(path, why));
        return;
      } catch (thrown) {
        if (!isReported) onLost(MacvtapError.from(thrown));
        isReported = true;
      }
    }
  };
  const onEnd = (why: string): void => {
    if (stopping.signal.aborted) return;
    reopening ??= reopen(why).finally(() => {
      reopening = undefined;
    });
  };
  server.on('error', ({ message }) => onEnd(message));
  const watch = watchDirectory({
    directory: dirname(path),
    isRelevant: (name) => name === basename(path),
    pollMs,
    onChange: () => {
      if (inodeOf(path) === undefined) onEnd('its file was removed');
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      watch[Symbol.dispose]();
      await reopening;
      // By now, a successor may serve the path. The successor's socket must not be removed.
      if (inodeOf(path) === inode) await rm(path, { force: true });
      server.close();
    },
  };
}

/**
 * Binds to a temporary path, sets the file's mode, and then renames the file. No process can therefore find the socket
 * before it has its final mode. The rename also replaces the file of a killed server. Returns the file's inode.
 */
async function listen(server: Server, path: string): Promise<number | undefined> {
  const temporary = `${path}.new`;
  if (Buffer.byteLength(temporary) > maxPathBytes) {
    const text = `cannot serve CNI on ${path}: the path is too long for a socket; choose a shorter one`;
    throw new MacvtapError('CNISocketFailed', text);
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  try {
    await makePrivateDirectory(dirname(path));
    await rm(temporary, { force: true });
    server.listen(temporary, resolve);
    await promise;
    await chmod(temporary, 0o600);
    await rename(temporary, path);
    return inodeOf(path);
  } catch (thrown) {
    server.close();
    const text = `cannot serve CNI on ${path}: ${(thrown as Error).message}; check its directory`;
    throw new MacvtapError('CNISocketFailed', text, { facts: { path }, cause: thrown });
  } finally {
    server.off('error', reject);
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function lost(path: string, why: string): MacvtapError {
  const text = `the CNI socket ${path} was lost; it is served again: ${why}`;
  return new MacvtapError('CNISocketFailed', text, { facts: { path } });
}

/**
 * Creates a directory that only its owner can access, if it is missing. Its parent must exist. mkdir's `recursive`
 * option is not used, because it may never return for a path below /proc. There, the kernel returns ENOENT for a
 * directory that cannot be created, and libuv's mkdirp then tries again.
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown;
  });
}
