// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';

/** Every socket of ours in kubelet's directory has a name like this. */
export const socketNamePattern = /^kube-macvtap-.+\.sock$/;

/**
 * Longest path in bytes. `sun_path` is char[108] with its NUL (linux/un.h); one byte more is left, because peers differ
 * in whether they count that NUL.
 */
export const maxSocketPathBytes = 106;

/**
 * The path of one server's socket: readable when it fits, else with a hash for the resource's name. `startId` is new for
 * each server: grpc-js unlinks the path of a server that it closes, which must never be the path of its successor.
 * Raises `SocketPathTooLong`.
 *
 * @example '/var/lib/kubelet/device-plugins/kube-macvtap-dataplane.5f01c2.sock'
 */
export function chooseSocketPath(directory: string, name: string, startId: string): string {
  const candidates = [name, hashName(name)].map((middle) => join(directory, `kube-macvtap-${middle}.${startId}.sock`));
  const path = candidates.find((candidate) => Buffer.byteLength(candidate) <= maxSocketPathBytes);
  if (path !== undefined) return path;
  const shortest = Math.min(...candidates.map((candidate) => Buffer.byteLength(candidate)));
  throw new MacvtapError(
    'SocketPathTooLong',
    `no socket for resource ${name} fits in ${directory}: its path would have ${shortest} bytes, and ${maxSocketPathBytes} ` +
      'are possible; give kubelet (and --kubelet-dir) a shorter directory, or mount it at a shorter one',
    { facts: { directory, resource: name, bytes: shortest } },
  );
}

function hashName(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 10);
}
