// SPDX-License-Identifier: Apache-2.0
import { isShortVlanName, shortVlanName, vlanLinkNames } from '../../policy/plan/vlan.ts';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { encodeAddAltName, encodeCreateVlan, encodeSetLink, type LinkSettings } from '../netlink/link-requests.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import type { LinkDetails, LinkLookup } from './get-link.ts';

/**
 * The alias of every VLAN that the node plugin created (IFLA_IFALIAS, `ip link set … alias`). The alias belongs to the
 * link: it survives restarts of the node plugin, and disappears with the link. `ip link` shows it, and an administrator
 * takes over a VLAN by clearing it.
 *
 * A file that lists the VLANs is not used. It would still list a VLAN that an administrator deleted and recreated. The
 * node plugin would then remove the administrator's VLAN. An altname cannot be the mark, because it must be unique on
 * the node.
 */
const ownAlias = 'kube-macvtap';

/**
 * Returns whether the node plugin created a VLAN. The kernel ignores an alias at creation. A new VLAN is therefore
 * recognised by its short name, until a later message sets the alias. Administrators do not choose such names.
 */
export function isOwnVlan({ name, alias }: { readonly name: string; readonly alias?: string }): boolean {
  return alias === ownAlias || isShortVlanName(name);
}

/** @example { lower: 'bond1', lowerIfindex: 5, id: 100, up: true } */
export interface VlanRequest {
  readonly lower: string;
  readonly lowerIfindex: number;
  readonly id: number;
  /** Whether to set the VLAN up. The kernel refuses this while the lower link is down. */
  readonly up: boolean;
}

/**
 * Creates a VLAN with its alias and name. The first message creates the link with its short name. The last message sets
 * the final name and the alias, and sets the link up if `up` is true. If the process is killed between the messages,
 * the next process recognises the short name, and `finishVlan` completes the VLAN.
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
    throw new MacvtapError('LinkGone', `${what}: the new link ${name} is gone; the node plugin tries again`);
  await nameVlan(socket, link, { ifindex: link.ifindex, lower, id, up }, signal);
}

/** A VLAN that the node plugin created, and that may not have its final name and alias yet. */
export interface UnfinishedVlan {
  readonly ifindex: number;
  readonly lower: string;
  readonly id: number;
  /** See `VlanRequest`. */
  readonly up: boolean;
}

/**
 * Completes a VLAN whose creation was interrupted. Reads the link first, because an interface watch may still contain
 * its short name although it has its final one. Raises the errors of `createVlan`.
 */
export async function finishVlan(
  socket: Requester,
  lookUp: LinkLookup,
  vlan: UnfinishedVlan,
  signal?: AbortSignal,
): Promise<void> {
  const link = await lookUp({ ifindex: vlan.ifindex });
  // The next decision does not contain a link that is gone.
  if (link !== undefined) await nameVlan(socket, link, vlan, signal);
}

async function nameVlan(
  socket: Requester,
  link: Pick<LinkDetails, 'name' | 'up'>,
  { ifindex, lower, id, up }: UnfinishedVlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, altName } = vlanLinkNames(lower, id);
  const what = `cannot set up VLAN ${id} on ${lower}`;
  // The kernel sets a VLAN up together with its lower link. Before version 6.2, it refuses to rename a link that is up,
  // even to the name that the link has.
  const isNamed = link.name === name;
  if (!isNamed && link.up) await send(socket, encodeSetLink(ifindex, { up: false }), what, signal);
  if (altName !== undefined) await send(socket, encodeAddAltName(ifindex, altName), what, signal, ['EEXIST']);
  const settings = { ...(!isNamed && { name }), alias: ownAlias, ...(up && { up }) };
  await send(socket, encodeSetLink(ifindex, settings), what, signal);
  faultPoint('vlan-finished');
}

/** New settings of a link. `name` is the link's current name, which errors show. */
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
