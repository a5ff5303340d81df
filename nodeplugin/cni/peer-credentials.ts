// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { readI32, readU32, writeU32 } from '../netlink/host-order.ts';
import { libc } from '../netlink/libc.ts';

/** Who opened the other end of a unix socket, as the kernel noted it at connect(2). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
}

// asm-generic/socket.h; struct ucred (linux/socket.h) is pid_t pid, uid_t uid, gid_t gid
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const ucredLength = 12;

/**
 * Asks the kernel; undefined where the descriptor cannot be reached. Node keeps it in an undocumented place, so the mode
 * of the socket's file must be enough by itself.
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
