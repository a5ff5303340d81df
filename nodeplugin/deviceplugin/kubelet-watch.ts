// SPDX-License-Identifier: Apache-2.0

import type { BigIntStats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { createSingleFlight } from '../../runtime/locks.ts';
import { watchDirectory } from '../../runtime/watch-directory.ts';
import { kubeletSocketName } from './v1beta1.ts';

/**
 * A change of kubelet's socket. `there`: kubelet created its socket (again), so no resource is registered. `gone`: the
 * socket is missing, and `error` has the reason.
 */
export type KubeletEvent =
  | { readonly type: 'there'; readonly incarnation: string }
  | { readonly type: 'gone'; readonly error: MacvtapError };

/** A watch of kubelet's device-plugins directory. All resources of the process share it. */
export interface KubeletWatch extends AsyncDisposable {
  readonly directory: string;
  readonly sighting: Sighting;
  subscribe(listener: (event: KubeletEvent) => void): Disposable;
  /**
   * Calls back once if a socket of this process is removed. Kubelet removes all sockets in the directory when it
   * starts.
   */
  watchSocket(path: string, onVanished: () => void): Disposable;
}

export interface KubeletWatchOptions {
  /** @example '/var/lib/kubelet/device-plugins' */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  /** The interval at which the directory is checked, even without file-system events. */
  readonly pollMs?: number | undefined;
  /**
   * Called for each event, for the log. The first check always causes an event. While the socket is missing, another
   * event follows only if the reason changes.
   */
  readonly onEvent?: ((event: KubeletEvent) => void) | undefined;
}

/** Starts a watch. Resolves after the first check of the directory. */
export async function watchKubelet(options: KubeletWatchOptions): Promise<KubeletWatch> {
  const { directory, signal, pollMs = 1_000, onEvent } = options;
  const listeners = createListeners<KubeletEvent>();
  if (onEvent !== undefined) listeners.add(onEvent);
  const sockets = new Map<{ readonly path: string }, () => void>();
  let closed = false;
  let sighting = await readIncarnation(directory);
  const first = compare(undefined, sighting);
  if (first !== undefined) onEvent?.(first);

  const look = async (): Promise<void> => {
    const found = await readIncarnation(directory);
    if (closed) return;
    const before = sighting;
    sighting = found;
    const event = compare(before, found);
    if (event !== undefined) listeners.notify(event);
    for (const [socket, onVanished] of [...sockets]) {
      if ((await exists(socket.path)) || closed) continue;
      if (sockets.delete(socket)) onVanished();
    }
  };
  const looks = createSingleFlight<void>();
  const lookOnce = () => looks.call(directory, look);
  const isOurs = (name: string): boolean => [...sockets.keys()].some(({ path }) => basename(path) === name);
  const watching = watchDirectory({
    directory,
    isRelevant: (name) => name === kubeletSocketName || isOurs(name),
    pollMs,
    onChange: () => void lookOnce(),
  });
  const close = async (): Promise<void> => {
    closed = true;
    watching[Symbol.dispose]();
    signal?.removeEventListener('abort', close);
    await looks.idle(directory);
  };
  signal?.addEventListener('abort', close, { once: true });
  if (signal?.aborted) await close();
  // Checks again, because the directory may have changed before the watch was set up.
  await lookOnce();

  return {
    directory,
    get sighting() {
      return sighting;
    },
    subscribe: listeners.add,
    watchSocket: (path, onVanished) => {
      const socket = { path };
      sockets.set(socket, onVanished);
      return { [Symbol.dispose]: () => void sockets.delete(socket) };
    },
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Returns the event that happened between two checks, or undefined if nothing changed. A new reason for the absence of
 * kubelet's socket is also an event.
 */
function compare(before: Sighting | undefined, now: Sighting): KubeletEvent | undefined {
  if (now.absence !== undefined) {
    return before?.absence?.code === now.absence.code ? undefined : { type: 'gone', error: now.absence };
  }
  return before?.incarnation === now.incarnation ? undefined : { type: 'there', incarnation: now.incarnation };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** The run of kubelet that created the current socket, or the reason why the socket is absent. */
type Sighting =
  | { readonly incarnation: string; readonly absence?: undefined }
  | { readonly incarnation?: undefined; readonly absence: MacvtapError };

/**
 * Looks for kubelet's registration socket. The inode number and the change time in nanoseconds together identify the
 * run of kubelet. The inode number is not sufficient, because file systems reuse inode numbers.
 *
 * @example { incarnation: '34:1181:1763900000000000000' }
 */
async function readIncarnation(directory: string): Promise<Sighting> {
  const path = join(directory, kubeletSocketName);
  const seen = await statOrError(path);
  if (!(seen instanceof Error)) return { incarnation: `${seen.dev}:${seen.ino}:${seen.ctimeNs}` };
  const parent = await statOrError(directory);
  return { absence: parent instanceof Error ? directoryMissing(directory, parent) : socketMissing(path, seen) };
}

async function statOrError(path: string): Promise<BigIntStats | Error> {
  return stat(path, { bigint: true }).catch((thrown: unknown) => MacvtapError.from(thrown));
}

function directoryMissing(directory: string, cause: Error): MacvtapError {
  return new MacvtapError(
    'KubeletDirectoryMissing',
    `kubelet's device-plugin directory ${directory} cannot be read (${cause.message}); waiting for it: check that kubelet ` +
      'runs on this node, that --kubelet-dir is its directory, and that it is mounted into this container',
    { facts: { directory }, cause },
  );
}

function socketMissing(path: string, cause: Error): MacvtapError {
  return new MacvtapError(
    'KubeletSocketMissing',
    `kubelet's socket ${path} is not there (${cause.message}); waiting for it: check that kubelet runs on this node`,
    { facts: { path }, cause },
  );
}
