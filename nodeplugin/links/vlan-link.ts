// SPDX-License-Identifier: Apache-2.0
import { isShortVlanName, shortVlanName, vlanLinkNames } from '../../policy/plan/vlan.ts';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { encodeAddAltName, encodeCreateVlan, encodeSetLink, type LinkSettings } from '../netlink/link-requests.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import type { LinkLookup } from './get-link.ts';

/**
 * The alias of every VLAN that the node plugin created (IFLA_IFALIAS, `ip link set … alias`). It marks the link itself,
 * so it survives restarts of the node plugin and disappears with the link. A file would still name a link that an
 * administrator has since deleted and made again, and the node plugin would then remove that one. An administrator sees
 * the alias in `ip link`, and takes the VLAN over by clearing it. An altname would do the same, but is in the one
 * namespace of all link names, so only one link could have it.
 */
const ownAlias = 'kube-macvtap';

/**
 * Returns whether the node plugin created a VLAN. The kernel takes no alias at creation, so until the second message a
 * VLAN is marked by its name, which no administrator chooses.
 */
export function isOwnVlan({ name, alias }: { readonly name: string; readonly alias?: string }): boolean {
  return alias === ownAlias || isShortVlanName(name);
}

/** @example { lower: 'bond1', lowerIfindex: 5, id: 100, up: true } */
export interface VlanRequest {
  readonly lower: string;
  readonly lowerIfindex: number;
  readonly id: number;
  /** Whether the VLAN can be set up. The kernel refuses that while the lower link is down. */
  readonly up: boolean;
}

/**
 * Creates a VLAN, marks it and names it. The first message is atomic and gives the short name, which marks the link.
 * The second one sets the final name, the alias and up. So wherever the process dies, the link is recognised, and
 * `finishVlan` completes it.
 *
 * Raises `VlanUnsupported`, `LinkNameTaken`, `LinkNameInvalid`, `ParentGone`, `LinkGone`, `MissingCapability`,
 * `NetlinkRefused`.
 */
export async function createVlan(
  socket: Requester,
  lookUp: LinkLookup,
  { lower, lowerIfindex, id, up }: VlanRequest,
  signal?: AbortSignal,
): Promise<void> {
  const name = shortVlanName(lower, id);
  const what = `cannot create VLAN ${id} on ${lower}`;
  await send(socket, encodeCreateVlan({ name, lowerIfindex, id }), what, signal);
  faultPoint('vlan-created');
  const link = await lookUp({ name });
  if (link === undefined)
    throw new MacvtapError('LinkGone', `${what}: the new link ${name} is gone; it is tried again`);
  await finishVlan(socket, { ifindex: link.ifindex, lower, id, isUp: link.up, up }, signal);
}

/** A VLAN that the node plugin created and may not have named, marked or set up yet. */
export interface UnfinishedVlan {
  readonly ifindex: number;
  readonly lower: string;
  readonly id: number;
  readonly isUp: boolean;
  /** As in a request. */
  readonly up: boolean;
}

/** Names, marks and sets up a VLAN that `createVlan` made. Raises its errors. */
export async function finishVlan(
  socket: Requester,
  { ifindex, lower, id, isUp, up }: UnfinishedVlan,
  signal?: AbortSignal,
): Promise<void> {
  const { name, altName } = vlanLinkNames(lower, id);
  const what = `cannot set up VLAN ${id} on ${lower}`;
  // The kernel sets VLANs up together with their lower link, and then refuses a new name.
  if (isUp) await send(socket, encodeSetLink(ifindex, { up: false }), what, signal);
  if (altName !== undefined) await send(socket, encodeAddAltName(ifindex, altName), what, signal, ['EEXIST']);
  await send(socket, encodeSetLink(ifindex, { name, alias: ownAlias, ...(up && { up }) }), what, signal);
  faultPoint('vlan-finished');
}

/** New settings of a link. `name` is its present name, for errors. */
export type LinkChange = { readonly ifindex: number; readonly name: string } & Omit<LinkSettings, 'name'>;

/** Changes settings of a link. Raises `LinkGone`, `MissingCapability`, `NetlinkRefused` and others. */
export async function setLink(
  socket: Requester,
  { ifindex, name, ...settings }: LinkChange,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
  await send(socket, encodeSetLink(ifindex, settings), `cannot set ${wanted.join(', ')} on ${name}`, signal);
}

async function send(
  socket: Requester,
  request: NetlinkRequest,
  what: string,
  signal: AbortSignal | undefined,
  ignored: readonly string[] = [],
): Promise<void> {
  const reply = await socket.request(request, signal);
  const errno = nameErrno(reply.errno);
  if (reply.errno === 0 || ignored.includes(errno)) return;
  const [code, next] = explain(errno);
  const usual = describeErrno(reply.errno);
  const text = reply.text === undefined ? usual : `${reply.text}: ${usual}`;
  throw new MacvtapError(code, `${what}: ${text}; ${next}`, { facts: { errno } });
}

function explain(errno: string): readonly [code: ErrorCode, next: string] {
  switch (errno) {
    case 'EOPNOTSUPP':
      return ['VlanUnsupported', 'load the module 8021q, or run a kernel that has it'];
    case 'EEXIST':
      return ['LinkNameTaken', 'another link has the name, or the VLAN exists in another network namespace: remove it'];
    case 'ENODEV':
      return ['ParentGone', 'the link or its lower link is gone'];
    case 'EPERM':
      return ['MissingCapability', 'give the process CAP_NET_ADMIN'];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}
