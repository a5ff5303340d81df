// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import koffi, { type KoffiFunc } from 'koffi';

/**
 * The C library, for its socket and memory calls. glibc's soname is the same on every architecture that Node.js
 * supports. The calls return −1 on failure; read `errno()` immediately. koffi has no ssize_t, so the declarations use
 * intptr_t, which has the same size on Linux.
 */
const library = koffi.load('libc.so.6');

koffi.struct('iovec', { iov_base: 'uint8_t *', iov_len: 'size_t' });
koffi.struct('msghdr', {
  msg_name: 'void *',
  msg_namelen: 'uint32_t',
  msg_iov: 'iovec *',
  msg_iovlen: 'size_t',
  msg_control: 'uint8_t *',
  msg_controllen: 'size_t',
  msg_flags: 'int',
});

/** struct msghdr of recvmsg(2). The kernel fills the buffers and sets the length of the control data. */
export interface MessageHeader {
  readonly msg_name: null;
  readonly msg_namelen: 0;
  readonly msg_iov: readonly { readonly iov_base: Uint8Array; readonly iov_len: number }[];
  readonly msg_iovlen: number;
  readonly msg_control: Uint8Array;
  msg_controllen: number;
  msg_flags: number;
}

export const libc = {
  socket: library.func('int socket(int domain, int type, int protocol)') as KoffiFunc<
    (domain: number, type: number, protocol: number) => number
  >,
  bind: library.func('int bind(int fd, const uint8_t *address, uint32_t length)') as KoffiFunc<
    (fd: number, address: Uint8Array, length: number) => number
  >,
  connect: library.func('int connect(int fd, const uint8_t *address, uint32_t length)') as KoffiFunc<
    (fd: number, address: Uint8Array, length: number) => number
  >,
  setsockopt: library.func(
    'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)',
  ) as KoffiFunc<(fd: number, level: number, option: number, value: Uint8Array, length: number) => number>,
  getsockopt: library.func(
    'int getsockopt(int fd, int level, int option, uint8_t *value, uint8_t *length)',
  ) as KoffiFunc<(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array) => number>,
  send: library.func('intptr_t send(int fd, const uint8_t *bytes, size_t length, int flags)') as KoffiFunc<
    (fd: number, bytes: Uint8Array, length: number, flags: number) => number
  >,
  recv: library.func('intptr_t recv(int fd, uint8_t *bytes, size_t length, int flags)') as KoffiFunc<
    (fd: number, bytes: Uint8Array, length: number, flags: number) => number
  >,
  recvmsg: library.func('intptr_t recvmsg(int fd, _Inout_ msghdr *message, int flags)') as KoffiFunc<
    (fd: number, message: MessageHeader, flags: number) => number
  >,
  getdents64: library.func('intptr_t getdents64(int fd, uint8_t *entries, size_t length)') as KoffiFunc<
    (fd: number, entries: Uint8Array, length: number) => number
  >,
  dup: library.func('int dup(int fd)') as KoffiFunc<(fd: number) => number>,
  close: library.func('int close(int fd)') as KoffiFunc<(fd: number) => number>,
  malloc_trim: library.func('int malloc_trim(size_t pad)') as KoffiFunc<(pad: number) => number>,
  madvise: library.func('int madvise(uintptr_t address, size_t length, int advice)') as KoffiFunc<
    (address: number, length: number, advice: number) => number
  >,
} as const;

/** Returns the errno of the last synchronous call. The errno of an asynchronous call is lost. */
export function errno(): number {
  return koffi.errno();
}

/** An entry of a directory, with its inode number. */
interface Entry {
  readonly name: string;
  readonly inode: number;
}

/** The layout of struct linux_dirent64 (getdents64(2)): u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, d_name. */
const dirent = { inode: 0, length: 16, name: 19 } as const;
const entriesBuffer = Buffer.alloc(32 * 1024);

/**
 * Reads the entries of a directory whose names have the prefix. Unlike Node.js, it returns inode numbers, which needs
 * no system call for each entry. Raises the error of Node.js if the directory cannot be opened.
 */
export function readEntries(directory: string, prefix: string): readonly Entry[] {
  const found: Entry[] = [];
  const first = prefix.charCodeAt(0);
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (;;) {
      const length = libc.getdents64(fd, entriesBuffer, entriesBuffer.length);
      if (length === 0) return found;
      if (length < 0) throw new Error(`getdents64: ${describeErrno(errno())}`);
      // Most entries have another first character. Plain indexing keeps the look at these short.
      for (let at = 0; at < length; at += lengthAt(at)) {
        const start = at + dirent.name;
        if (entriesBuffer[start] !== first || !startsWith(entriesBuffer, start, prefix)) continue;
        const inode =
          entriesBuffer.readUInt32LE(at + dirent.inode) + entriesBuffer.readUInt32LE(at + dirent.inode + 4) * 2 ** 32;
        found.push({ name: entriesBuffer.toString('latin1', start, entriesBuffer.indexOf(0, start)), inode });
      }
    }
  } finally {
    closeSync(fd);
  }
}

function lengthAt(at: number): number {
  return (entriesBuffer[at + dirent.length] as number) + (entriesBuffer[at + dirent.length + 1] as number) * 256;
}

function startsWith(bytes: Uint8Array, start: number, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i += 1) if (bytes[start + i] !== prefix.charCodeAt(i)) return false;
  return true;
}

/**
 * Calls `listener` when the descriptor has data or an error, until disposed. The listener may also be called when there
 * is neither.
 *
 * libuv stops watching a descriptor that reports an error, such as an overrun receive buffer. The watch is therefore
 * restarted after each call.
 *
 * koffi calls back outside of Node.js's callback scope. Code that awaits a promise would then not continue until
 * Node.js handles another event. The listener is therefore called in the next phase of the event loop.
 */
export function watchReadable(fd: number, listener: () => void): Disposable {
  const handle = koffi.node.poll(fd, { readable: true }, onPoll);
  let watching = true;
  let scheduled = false;

  function onPoll(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!watching) return;
      listener();
      if (watching) handle.start({ readable: true }, onPoll);
    });
  }

  return {
    [Symbol.dispose]: () => {
      if (!watching) return;
      watching = false;
      handle.close();
    },
  };
}

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
