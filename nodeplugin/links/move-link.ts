// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { encodeMoveLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import type { LinkLookup } from './get-link.ts';

export interface LinkMove {
  readonly ifindex: number;
  /** Open descriptor of the namespace to move to. */
  readonly netnsFd: number;
  /** The name there; the present one when absent. */
  readonly name?: string;
  /** The number there; the present one when absent, never one that the kernel chooses. */
  readonly newIfindex?: number;
}

/**
 * Moves a link to another namespace, where it arrives down; a macvtap gets a new device node. The kernel moves first and
 * renames second: when only the new name is taken, the link has moved and keeps its old name, which the error says
 * (`facts.moved`).
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
      return ['IfindexTaken', 'a link of that namespace has the number: take another'];
    case 'EEXIST':
      return moved
        ? ['LinkNameTaken', 'a link of that namespace has the name; the link has moved and kept its old one']
        : ['LinkNameTaken', 'a link of that namespace has the name: take another'];
    case 'ERANGE':
      return ['LinkNameInvalid', 'choose a name of at most 15 bytes'];
    case 'EPERM':
      return ['MissingCapability', 'give the process CAP_NET_ADMIN in both namespaces'];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}
