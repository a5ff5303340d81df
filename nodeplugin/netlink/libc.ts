// SPDX-License-Identifier: Apache-2.0
import koffi, { type KoffiFunc } from 'koffi';

/**
 * The C library's socket calls as they are: −1 on failure, and then `errno()` at once. The soname is glibc's and is
 * the same on every architecture. koffi knows no ssize_t; intptr_t has its size on Linux.
 */
const library = koffi.load('libc.so.6');

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
  close: library.func('int close(int fd)') as KoffiFunc<(fd: number) => number>,
} as const;

/** Of the last synchronous call. After an asynchronous one it is lost. */
export function errno(): number {
  return koffi.errno();
}

/**
 * Calls `listener` whenever the descriptor has something to read or an error to fetch, until disposed; it may be called
 * with neither.
 *
 * libuv stops watching a descriptor that reports an error (here: an overrun receive buffer), so the watch is
 * started anew. The listener runs in the event loop's next phase, because koffi calls back outside of Node's own
 * callback scope, where promises would not be settled until something else happens.
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
