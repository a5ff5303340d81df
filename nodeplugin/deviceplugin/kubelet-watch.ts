// SPDX-License-Identifier: Apache-2.0
import { lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { MacvtapError } from '../../runtime/errors.ts';
import { watchDirectory } from '../../runtime/watch-directory.ts';
import { readIncarnation, type Sighting } from './read-incarnation.ts';
import { kubeletSocketName } from './v1beta1.ts';

/** `there`: kubelet made its socket (again), so it knows none of our resources. `gone`: it has none now, and why. */
export type KubeletEvent =
  | { readonly type: 'there'; readonly incarnation: string }
  | { readonly type: 'gone'; readonly error: MacvtapError };

/** Kubelet as seen through its device-plugins directory; one for all resources of the process. */
export interface KubeletWatch extends AsyncDisposable {
  readonly directory: string;
  readonly sighting: Sighting;
  subscribe(listener: (event: KubeletEvent) => void): Disposable;
  /** Calls back once if a socket of ours vanishes: kubelet removes all sockets of the directory when it starts. */
  watchSocket(path: string, onVanished: () => void): Disposable;
}

export interface KubeletWatchOptions {
  /** @example '/var/lib/kubelet/device-plugins' */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  /** The backup for events that do not come. */
  readonly pollMs?: number | undefined;
  /** For the log: also told what is found at the start. An absence is told once, however long it lasts. */
  readonly onEvent?: ((event: KubeletEvent) => void) | undefined;
}

/** Starts to watch, and has looked once when it returns. */
export async function watchKubelet(options: KubeletWatchOptions): Promise<KubeletWatch> {
  const { directory, signal, pollMs = 1_000, onEvent } = options;
  const listeners = new Set<(event: KubeletEvent) => void>(onEvent === undefined ? [] : [onEvent]);
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
    if (event !== undefined) for (const listener of [...listeners]) listener(event);
    for (const [socket, onVanished] of [...sockets]) {
      if ((await exists(socket.path)) || closed) continue;
      if (sockets.delete(socket)) onVanished();
    }
  };
  const looker = createLooker(look);
  const isOurs = (name: string): boolean => [...sockets.keys()].some(({ path }) => basename(path) === name);
  const watching = watchDirectory({
    directory,
    isRelevant: (name) => name === kubeletSocketName || isOurs(name),
    pollMs,
    onChange: () => void looker.look(),
  });
  const close = async (): Promise<void> => {
    closed = true;
    watching[Symbol.dispose]();
    signal?.removeEventListener('abort', close);
    await looker.idle();
  };
  signal?.addEventListener('abort', close, { once: true });
  if (signal?.aborted) await close();
  // What changed before the watch stood.
  await looker.look();

  return {
    directory,
    get sighting() {
      return sighting;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    watchSocket: (path, onVanished) => {
      const socket = { path };
      sockets.set(socket, onVanished);
      return { [Symbol.dispose]: () => void sockets.delete(socket) };
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Turns two looks into what happened between them. Another reason for an absence is news as well. */
function compare(before: Sighting | undefined, now: Sighting): KubeletEvent | undefined {
  if (now.absence !== undefined) {
    return before?.absence?.code === now.absence.code ? undefined : { type: 'gone', error: now.absence };
  }
  return before?.incarnation === now.incarnation ? undefined : { type: 'there', incarnation: now.incarnation };
}

/** Runs one look at a time; a change during a look causes exactly one more. */
function createLooker(look: () => Promise<void>): { look: () => Promise<void>; idle: () => Promise<void> } {
  let running: Promise<void> | undefined;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await look();
    } while (again);
  };
  return {
    look: () => {
      again = true;
      running ??= run().finally(() => {
        running = undefined;
      });
      return running;
    },
    idle: async () => running,
  };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
