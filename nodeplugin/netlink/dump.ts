// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from './errno.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';
import type { Reply, Requester } from './netlink-socket.ts';

/** Links that come and go without a pause interrupt every dump; then the caller decides what to do. */
const attempts = 5;

/**
 * Every message of a dump that nothing changed underneath; an interrupted one is repeated. Raises `NetlinkLost` when
 * all attempts were interrupted and `NetlinkRefused`.
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
    // A routing table that was never written to does not exist yet.
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
