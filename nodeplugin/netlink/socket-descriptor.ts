// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { writeU16, writeU32 } from './attributes.ts';
import { describeErrno, errno, libc, nameErrno } from './libc.ts';

// bits/socket.h, asm-generic/socket.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

// linux/netlink.h, SOL_NETLINK from linux/socket.h
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/** sizeof(struct sockaddr_nl), linux/netlink.h: u16 family, pad, u32 port, u32 groups. */
const sockaddrLength = 12;

/**
 * Opens a non-blocking rtnetlink socket in the process's namespace, or prepares a socket that was opened elsewhere.
 * Returns the descriptor, which the caller must close. `groups` is a mask of the RTMGRP_* groups to subscribe to. On
 * failure, closes the descriptor and raises `NetlinkUnavailable`.
 */
export function openDescriptor(options: {
  readonly receiveBufferBytes: number;
  readonly groups?: number;
  readonly strict?: boolean;
  readonly opened?: number | undefined;
}): number {
  const fd = options.opened ?? libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw unavailable('socket', 'raise the limit of open files, or load a kernel with CONFIG_NET');
  try {
    check('bind', libc.bind(fd, address(options.groups ?? 0), sockaddrLength));
    // Port 0 belongs to the kernel. A socket that is connected to it receives no messages from other processes.
    check('connect', libc.connect(fd, address(0), sockaddrLength));
    check('setsockopt SO_RCVBUF', setOption(fd, SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes));
    check('setsockopt NETLINK_EXT_ACK', setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1));
    check('setsockopt NETLINK_CAP_ACK', setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1));
    if (options.strict)
      check('setsockopt NETLINK_GET_STRICT_CHK', setOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1));
  } catch (thrown) {
    libc.close(fd);
    throw thrown;
  }
  return fd;
}

function address(groups: number): Uint8Array {
  const bytes = new Uint8Array(sockaddrLength);
  writeU16(bytes, 0, AF_NETLINK);
  writeU32(bytes, 8, groups);
  return bytes;
}

function setOption(fd: number, level: number, option: number, value: number): number {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return libc.setsockopt(fd, level, option, bytes, bytes.length);
}

function check(call: string, result: number): void {
  if (result < 0) throw unavailable(call, 'Linux 5.4 or newer is needed');
}

function unavailable(call: string, next: string): MacvtapError {
  const text = describeErrno(errno());
  return new MacvtapError('NetlinkUnavailable', `cannot open a netlink socket: ${call}: ${text}; ${next}`);
}

/**
 * The result of one read. `empty` means that there is no datagram now. `lost` means that the kernel's buffer overran,
 * or that the datagram was longer than the reader's buffer.
 */
export type Received =
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  | { readonly kind: 'empty' }
  | { readonly kind: 'lost'; readonly detail: string };

// bits/socket.h. With MSG_TRUNC, recv returns the datagram's full length, even if the datagram did not fit.
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/**
 * Twice the largest part of a dump: the kernel returns at most 32 KiB at once (netlink_recvmsg,
 * net/netlink/af_netlink.c).
 */
const initialBytes = 64 * 1024;

/**
 * Creates a reader with one buffer, which grows when a datagram did not fit. The returned bytes are valid until the
 * next read. The reader raises `NetlinkUnavailable`.
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
