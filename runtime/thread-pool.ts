// SPDX-License-Identifier: Apache-2.0

/**
 * Gives libuv more threads than its four, for calls that wait long in the kernel; to be called before anything uses
 * them, since libuv reads the variable once. Whoever sets it by hand is obeyed.
 * Source: libuv src/threadpool.c, init_threads.
 */
export function widenThreadPool(threads: number): void {
  process.env.UV_THREADPOOL_SIZE ||= String(threads);
}
