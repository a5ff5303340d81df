// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';

/**
 * Whether somebody listens on a unix socket: `no` only when the kernel refuses the connection, which proves it, or there
 * is no file; any other failure (no right, full backlog) is `perhaps`.
 */
export function isListening(path: string): Promise<'yes' | 'no' | 'perhaps'> {
  const { promise, resolve } = Promise.withResolvers<'yes' | 'no' | 'perhaps'>();
  const socket = connect(path);
  socket.once('connect', () => resolve('yes'));
  socket.once('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'no' : 'perhaps'),
  );
  return promise.finally(() => socket.destroy());
}
