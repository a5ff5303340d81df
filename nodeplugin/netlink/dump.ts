// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from './libc.ts';
import type { NetlinkMessage, NetlinkRequest } from './message.ts';
import type { Reply, Requester } from './netlink-socket.ts';

/**
 * The maximum number of attempts for a dump. If links change all the time, every attempt is interrupted, and the dump
 * fails.
 */
const attempts = 5;

/**
 * Returns the messages of a consistent dump. Repeats a dump that a change interrupted. Raises `NetlinkLost` if all
 * attempts were interrupted, and `NetlinkRefused` if the kernel returns an error.
 */
export async function dump(
  socket: Requester,
  request: NetlinkRequest,
  signal?: AbortSignal,
): Promise<readonly NetlinkMessage[]> {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await tryDump(socket, request, signal);
    if (reply instanceof MacvtapError || reply.interrupted) {
      if (attempt < attempts) continue;
      const cause = reply instanceof MacvtapError ? reply : undefined;
      throw new MacvtapError('NetlinkLost', `a netlink dump was interrupted ${attempts} times; try again later`, {
        cause,
      });
    }
    // ENOENT means that there are no routes: a routing table does not exist before its first route.
    if (reply.errno === 0 || nameErrno(reply.errno) === 'ENOENT') return reply.messages;
    const text = reply.text ?? describeErrno(reply.errno);
    throw new MacvtapError(
      'NetlinkRefused',
      `the kernel refused a netlink dump (message type ${request.type}): ${text}`,
    );
  }
}

async function tryDump(
  socket: Requester,
  request: NetlinkRequest,
  signal: AbortSignal | undefined,
): Promise<Reply | MacvtapError> {
  try {
    return await socket.request(request, signal);
  } catch (thrown) {
    if (thrown instanceof MacvtapError && thrown.code === 'NetlinkLost') return thrown;
    throw thrown;
  }
}
