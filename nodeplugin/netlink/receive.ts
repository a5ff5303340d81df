// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from './errno.ts';
import { errno, libc } from './libc.ts';

/**
 * What one read of a socket gave: a datagram; nothing more for now; or the news that something was lost, because the
 * kernel's buffer overran or the datagram did not fit ours.
 */
export type Received =
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  | { readonly kind: 'empty' }
  | { readonly kind: 'lost'; readonly detail: string };

// bits/socket.h; with MSG_TRUNC the result is the datagram's own length even where it did not fit
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** The kernel fills at most 32 KiB of a dump at once (netlink_recvmsg, net/netlink/af_netlink.c); twice that. */
const initialBytes = 64 * 1024;

/**
 * A reader that keeps one buffer and enlarges it after a datagram that did not fit. The bytes it returns are good until
 * the next read. Raises `NetlinkUnavailable`.
 */
export function makeReceiver(fd: number): () => Received {
  let buffer = new Uint8Array(initialBytes);
  return () => {
    const length = libc.recv(fd, buffer, buffer.length, MSG_TRUNC | MSG_DONTWAIT);
    if (length < 0) return readFailure(errno());
    if (length > buffer.length) {
      buffer = new Uint8Array(length * 2);
      return { kind: 'lost', detail: `a datagram of ${length} bytes did not fit` };
    }
    return { kind: 'datagram', bytes: buffer.subarray(0, length) };
  };
}

function readFailure(number: number): Received {
  switch (nameErrno(number)) {
    case 'EAGAIN':
      return { kind: 'empty' };
    case 'ENOBUFS':
      return { kind: 'lost', detail: 'the receive buffer overran' };
    default:
      throw new MacvtapError('NetlinkUnavailable', `cannot read a netlink socket: recv: ${describeErrno(number)}`);
  }
}
