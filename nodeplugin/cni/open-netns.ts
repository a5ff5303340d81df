// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, statfsSync, statSync } from 'node:fs';
import { MacvtapError } from '../../runtime/errors.ts';

/** An open network namespace. The kernel keeps it at least until this object is disposed. */
export interface OpenNetns extends Disposable {
  readonly fd: number;
  readonly path: string;
  /** Distinguishes the namespace from a later one under the same path. */
  readonly inode: number;
  /** Makes a `NetnsInvalid` error for a problem that the kernel reports. */
  invalid(why: string): MacvtapError;
}

/** NSFS_MAGIC (linux/magic.h): the file system type of /proc/PID/ns and of the mounts below /run/netns. */
const nsfsMagic = 0x6e73_6673;

/**
 * Returns whether a path can be a pod's namespace, so that a request cannot make this process open any other file.
 * containerd, CRI-O and iproute2 use files directly below /run/netns or /var/run/netns. cri-dockerd uses the namespace
 * file of a process.
 */
export function isNetnsPath(path: string): boolean {
  return /^\/(?:var\/)?run\/netns\/(?!\.\.?$)[^/\0]{1,255}$/.test(path) || /^\/proc\/[1-9]\d{0,9}\/ns\/net$/.test(path);
}

/**
 * Returns a namespace's path, with `/run` instead of `/var/run`, because most containers lack the symbolic link
 * `/var/run` of the node. Returns undefined if the path cannot be a pod's namespace.
 */
export function toNetnsPath(given: string): string | undefined {
  return isNetnsPath(given) ? given.replace(/^\/var\/run\//, '/run/') : undefined;
}

/**
 * Opens a pod's namespace. Raises `NetnsInvalid`. The calls are synchronous, because these files are in memory: opening
 * one takes less time than a switch to another thread.
 */
export function openNetns(given: string): OpenNetns {
  const path = toNetnsPath(given);
  if (path === undefined) throw invalid(given, 'the path of a namespace is below /run/netns, or is /proc/<pid>/ns/net');
  const fd = open(path);
  try {
    // Node.js has no fstatfs. The path below /proc refers to the open file, even if the original path was replaced.
    if (statfsSync(`/proc/self/fd/${fd}`).type !== nsfsMagic) {
      throw invalid(
        path,
        'it is not a namespace: mount /run/netns into the container with HostToContainer propagation',
      );
    }
    const { ino: inode } = fstatSync(fd);
    if (inode === readOwnInode()) {
      throw invalid(path, "it is the node's own namespace: remove the networks annotation from pods with hostNetwork");
    }
    return { fd, path, inode, invalid: (why) => invalid(path, why), [Symbol.dispose]: () => closeSync(fd) };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

let ownInode: number | undefined;

/** Returns the inode of this process's namespace. It is read once, because the process never enters another one. */
function readOwnInode(): number {
  ownInode ??= statSync('/proc/self/ns/net').ino;
  return ownInode;
}

/** Returns whether the path still leads to the same namespace. */
export function isSameNetns(path: string, inode: number): boolean {
  try {
    return statSync(path).ino === inode;
  } catch {
    return false;
  }
}

function open(path: string): number {
  try {
    // O_NONBLOCK: a FIFO or a device below /run/netns must not block the process. libuv adds O_CLOEXEC.
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
