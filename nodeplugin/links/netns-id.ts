// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { decodeNetnsID, encodeGetNetnsID, encodeNewNetnsID } from '../netlink/netns-requests.ts';

/**
 * Runs something with the number by which the kernel knows another network namespace here, the way to reach its links
 * without entering it (setns would need SYS_ADMIN). Undefined, and nothing runs, when there is no namespace at the path
 * any more. Raises `NetnsUnreachable`.
 *
 * The descriptor is open meanwhile and closed in any case: an open one would keep the namespace, and its taps, alive.
 * Opening one takes some microseconds, less than the way to another thread: files of this kind are memory.
 */
export async function withNetnsID<Value>(
  socket: Requester,
  path: string,
  run: (netnsID: number) => Promise<Value>,
  signal?: AbortSignal,
): Promise<Value | undefined> {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  using scope = new DisposableStack();
  scope.defer(() => closeSync(fd));
  const netnsID = await findNetnsID(socket, fd, path, signal);
  return netnsID === undefined ? undefined : run(netnsID);
}

/**
 * The number of an open namespace, given to it if it has none yet; undefined for what is no namespace. A namespace keeps
 * it as long as it lives, also when no path leads there any more. Raises `NetnsUnreachable`.
 */
export async function findNetnsID(
  socket: Requester,
  fd: number,
  path: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const known = await askNetnsID(socket, fd, path, signal);
  if (known !== 'none yet') return known;
  const reply = await socket.request(encodeNewNetnsID(fd), signal);
  // EEXIST: somebody else was faster.
  if (reply.errno !== 0 && nameErrno(reply.errno) !== 'EEXIST') throw unreachable(path, reply.errno, reply.text);
  const given = await askNetnsID(socket, fd, path, signal);
  return given === 'none yet' ? undefined : given;
}

async function askNetnsID(
  socket: Requester,
  fd: number,
  path: string,
  signal?: AbortSignal,
): Promise<number | 'none yet' | undefined> {
  const reply = await socket.request(encodeGetNetnsID(fd), signal);
  // A file that is no namespace: the mount of one that is gone, or of one that this mount namespace never saw.
  if (nameErrno(reply.errno) === 'EINVAL') return undefined;
  const [message] = reply.messages;
  if (reply.errno !== 0 || message === undefined) throw unreachable(path, reply.errno, reply.text);
  return decodeNetnsID(message.payload) ?? 'none yet';
}

function openIfThere(path: string): number | undefined {
  try {
    // Neither a FIFO nor a device in its place may hold the process up; libuv adds O_CLOEXEC.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new MacvtapError('NetnsUnreachable', `cannot open the network namespace ${path}: ${message}`, {
      cause: thrown,
    });
  }
}

function unreachable(netns: string, errno: number, text: string | undefined): MacvtapError {
  return new MacvtapError(
    'NetnsUnreachable',
    `cannot reach the network namespace ${netns}: ${text ?? describeErrno(errno)}; mount /run/netns into the container ` +
      'with mount propagation HostToContainer, and give it CAP_NET_ADMIN',
    { facts: { netns, errno: nameErrno(errno) } },
  );
}
