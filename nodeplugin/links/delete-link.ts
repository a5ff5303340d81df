// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { encodeDeleteLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';

/**
 * Deletes a link, of another namespace when its number is given; one that is gone already is a success. Raises
 * `MissingCapability` and `NetlinkRefused`.
 */
export async function deleteLink(
  socket: Requester,
  ifindex: number,
  signal?: AbortSignal,
  netnsID?: number,
): Promise<void> {
  const reply = await socket.request(encodeDeleteLink(ifindex, netnsID), signal);
  const errno = nameErrno(reply.errno);
  if (reply.errno === 0 || errno === 'ENODEV') return;
  // The number of a namespace that went meanwhile.
  if (errno === 'EINVAL' && netnsID !== undefined) return;
  const text = `cannot delete the link with ifindex ${ifindex}: ${reply.text ?? describeErrno(reply.errno)}`;
  const facts = { ifindex, errno };
  if (errno === 'EPERM')
    throw new MacvtapError('MissingCapability', `${text}; give the process CAP_NET_ADMIN`, { facts });
  throw new MacvtapError('NetlinkRefused', `${text}; only links made by software can be deleted`, { facts });
}
