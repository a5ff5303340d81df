// SPDX-License-Identifier: Apache-2.0

/** The error numbers that the kernel returns for netlink requests and sockets: asm-generic/errno-base.h and errno.h. */
const errnos = {
  1: ['EPERM', 'operation not permitted'],
  2: ['ENOENT', 'no such file or directory'],
  3: ['ESRCH', 'no such process'],
  4: ['EINTR', 'interrupted system call'],
  5: ['EIO', 'input/output error'],
  6: ['ENXIO', 'no such device or address'],
  7: ['E2BIG', 'argument list too long'],
  9: ['EBADF', 'bad file descriptor'],
  11: ['EAGAIN', 'try again'],
  12: ['ENOMEM', 'out of memory'],
  13: ['EACCES', 'permission denied'],
  14: ['EFAULT', 'bad address'],
  16: ['EBUSY', 'device or resource busy'],
  17: ['EEXIST', 'file exists'],
  19: ['ENODEV', 'no such device'],
  22: ['EINVAL', 'invalid argument'],
  23: ['ENFILE', 'too many open files in system'],
  24: ['EMFILE', 'too many open files'],
  28: ['ENOSPC', 'no space left on device'],
  34: ['ERANGE', 'numerical result out of range'],
  90: ['EMSGSIZE', 'message too long'],
  93: ['EPROTONOSUPPORT', 'protocol not supported'],
  95: ['EOPNOTSUPP', 'operation not supported'],
  97: ['EAFNOSUPPORT', 'address family not supported'],
  98: ['EADDRINUSE', 'address already in use'],
  99: ['EADDRNOTAVAIL', 'cannot assign requested address'],
  100: ['ENETDOWN', 'network is down'],
  105: ['ENOBUFS', 'no buffer space available'],
  111: ['ECONNREFUSED', 'connection refused'],
} as const satisfies Record<number, readonly [name: string, text: string]>;

type Known = (typeof errnos)[keyof typeof errnos];

/** @example 'EBUSY' */
export type ErrnoName = Known[0];

/** Returns the name of an error number, or `errno <n>` if it is not in the table. */
export function nameErrno(errno: number): ErrnoName | `errno ${number}` {
  return find(errno)?.[0] ?? `errno ${errno}`;
}

/** Returns the standard text and the name of an error number: `device or resource busy (EBUSY)`. */
export function describeErrno(errno: number): string {
  const known = find(errno);
  return known === undefined ? `errno ${errno}` : `${known[1]} (${known[0]})`;
}

function find(errno: number): Known | undefined {
  return (errnos as Readonly<Record<number, Known>>)[errno];
}
