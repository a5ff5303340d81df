// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno } from './errno.ts';
import { writeU16, writeU32 } from './host-order.ts';
import { errno, libc } from './libc.ts';

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
 * Opens a non-blocking rtnetlink socket in the namespace of the process and returns its descriptor, which is the
 * caller's to close. `groups` is a mask of RTMGRP_* to be told of. Raises `NetlinkUnavailable`.
 */
export function openDescriptor(options: {
  readonly receiveBufferBytes: number;
  readonly groups?: number;
  readonly strict?: boolean;
}): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw unavailable('socket', 'raise the limit of open files, or load a kernel with CONFIG_NET');
  try {
    check('bind', libc.bind(fd, address(options.groups ?? 0), sockaddrLength));
    // Connected to port 0, the kernel's, the socket takes messages of no other process.
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
