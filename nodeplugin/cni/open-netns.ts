// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, statfsSync, statSync } from 'node:fs';
import { MacvtapError } from '../../runtime/errors.ts';

/** An open network namespace, which lives on at least until it is disposed. */
export interface OpenNetns extends Disposable {
  readonly fd: number;
  readonly path: string;
  /** By which it is told from one that is made anew under the same path. */
  readonly inode: number;
  /** `NetnsInvalid`, for what only the kernel could tell of it. */
  invalid(why: string): MacvtapError;
}

/** NSFS_MAGIC, linux/magic.h: what /proc/PID/ns and the mounts below /run/netns are. */
const nsfsMagic = 0x6e73_6673;

/**
 * Whether a runtime may name a path as a pod's namespace: a file directly below /run/netns or /var/run/netns (containerd,
 * CRI-O, iproute2), or a process's (cri-dockerd). A request can make nothing else be opened.
 */
export function isNetnsPath(path: string): boolean {
  return /^\/(?:var\/)?run\/netns\/(?!\.\.?$)[^/\0]{1,255}$/.test(path) || /^\/proc\/[1-9]\d{0,9}\/ns\/net$/.test(path);
}

/** The path below `/run`, which is `/var/run` on every node, but seldom in a container; undefined for another file. */
export function toNetnsPath(given: string): string | undefined {
  return isNetnsPath(given) ? given.replace(/^\/var\/run\//, '/run/') : undefined;
}

/**
 * Opens a pod's namespace. Files of this kind are memory: opening one takes some microseconds, less than the way to another thread. Raises
 * `NetnsInvalid`.
 */
export function openNetns(given: string): OpenNetns {
  const path = toNetnsPath(given);
  if (path === undefined) throw invalid(given, 'a namespace is below /run/netns, or is /proc/<pid>/ns/net');
  const fd = open(path);
  try {
    // Through /proc, because Node has no fstatfs: what is asked is the open file, whatever became of the path.
    if (statfsSync(`/proc/self/fd/${fd}`).type !== nsfsMagic) {
      throw invalid(path, 'it is no namespace: mount /run/netns into the container with HostToContainer propagation');
    }
    const { ino: inode } = fstatSync(fd);
    if (inode === statSync('/proc/self/ns/net').ino) {
      throw invalid(
        path,
        "it is the node's own namespace: take the annotation that names networks off pods with hostNetwork",
      );
    }
    return { fd, path, inode, invalid: (why) => invalid(path, why), [Symbol.dispose]: () => closeSync(fd) };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

/** Whether the very same namespace is still under the path. */
export function isSameNetns(path: string, inode: number): boolean {
  try {
    return statSync(path).ino === inode;
  } catch {
    return false;
  }
}

function open(path: string): number {
  try {
    // Neither a FIFO nor a device below /run/netns may hold the process up; libuv adds O_CLOEXEC.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    const why =
      `${(thrown as Error).message}; either the sandbox is gone, or /run/netns must be mounted into the container ` +
      'with HostToContainer propagation';
    throw invalid(path, why, thrown);
  }
}

function invalid(path: string, why: string, cause?: unknown): MacvtapError {
  return new MacvtapError('NetnsInvalid', `cannot use the network namespace ${path}: ${why}`, {
    facts: { netns: path },
    cause,
  });
}
