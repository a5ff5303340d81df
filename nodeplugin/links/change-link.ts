// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { encodeDeleteLink, encodeMoveLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import type { LinkLookup } from './get-link.ts';

export interface LinkMove {
  readonly ifindex: number;
  /** An open descriptor of the target namespace. */
  readonly netnsFd: number;
  /** The name in the target namespace. The link keeps its current name by default. */
  readonly name?: string;
  /** The index in the target namespace. The link keeps its current index by default; the kernel never chooses one. */
  readonly newIfindex?: number;
}

/**
 * Moves a link to another namespace, where it starts out down. A moved macvtap gets a new device node. The kernel first
 * moves the link and then renames it. If only the new name is taken, the link has already moved under its old name. The
 * error's `facts.moved` is then true.
 *
 * Raises `LinkGone`, `IfindexTaken`, `LinkNameTaken`, `LinkNameInvalid`, `MissingCapability` and `NetlinkRefused`.
 */
export async function moveLink(
  socket: Requester,
  lookUp: LinkLookup,
  move: LinkMove,
  signal?: AbortSignal,
): Promise<void> {
  const reply = await socket.request(encodeMoveLink(move), signal);
  if (reply.errno === 0) return;
  const errno = nameErrno(reply.errno);
  const { ifindex, name, newIfindex } = move;
  const moved = errno === 'EEXIST' && (await lookUp({ ifindex })) === undefined;
  const [code, next] = explain(errno, moved);
  const as = `${name === undefined ? '' : ` as ${name}`} with ifindex ${newIfindex ?? ifindex}`;
  const text = reply.text ?? describeErrno(reply.errno);
  throw new MacvtapError(
    code,
    `cannot move the link with ifindex ${ifindex} to another network namespace${as}: ${text}; ${next}`,
    { facts: { ifindex, name, newIfindex, moved, errno } },
  );
}

function explain(errno: string, moved: boolean): readonly [code: ErrorCode, next: string] {
  switch (errno) {
    case 'ENODEV':
      return ['LinkGone', 'the link is gone'];
    case 'EBUSY':
      return ['IfindexTaken', 'a link of that namespace has the index: choose another'];
    case 'EEXIST':
      return moved
        ? ['LinkNameTaken', 'a link of that namespace has the name; the link has moved and kept its old name']
        : ['LinkNameTaken', 'a link of that namespace has the name: choose another'];
    case 'ERANGE':
      return ['LinkNameInvalid', 'choose a name of at most 15 bytes'];
    case 'EPERM':
      return ['MissingCapability', 'give the process CAP_NET_ADMIN in both namespaces'];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}

/**
 * Deletes a link. `netnsID` selects a link of another namespace. Succeeds if the link does not exist. Raises
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
  // EINVAL: the namespace no longer exists.
  if (errno === 'EINVAL' && netnsID !== undefined) return;
  const text = `cannot delete the link with ifindex ${ifindex}: ${reply.text ?? describeErrno(reply.errno)}`;
  const facts = { ifindex, errno };
  if (errno === 'EPERM')
    throw new MacvtapError('MissingCapability', `${text}; give the process CAP_NET_ADMIN`, { facts });
  throw new MacvtapError('NetlinkRefused', `${text}; only virtual links can be deleted`, { facts });
}
