// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { type MacvtapMode, parseMACAddress } from '../netlink/link-message.ts';
import { encodeCreateMacvtap, type NewMacvtap } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import type { LinkLookup } from './get-link.ts';

/** @example { name: 'mvt0123456789ab', ifindex: 1073741950, parentIfindex: 4, mode: 'bridge' } */
export interface MacvtapRequest {
  /** At most 15 bytes. */
  readonly name: string;
  /** The index of the link, which is also the N in /dev/tapN. The kernel chooses an index by default. */
  readonly ifindex?: number;
  readonly parentIfindex: number;
  readonly mode: MacvtapMode;
  /** By default the kernel generates a random address; in passthru mode it uses the parent's. */
  readonly macAddress?: string;
  /** The parent's MTU by default. */
  readonly mtu?: number;
  /** Whether the link starts administratively up. Down by default. */
  readonly up?: boolean;
  /** Whether the link receives frames for every address. */
  readonly promiscuous?: boolean;
  /**
   * Whether the link receives frames for all multicast groups, not only those that the namespace's network stack has
   * joined.
   */
  readonly allMulticast?: boolean;
  /** Whether to keep the namespace's network stack from sending on the link. */
  readonly silent?: boolean;
  /** An open descriptor of the namespace in which the link is created. The default is this process's namespace. */
  readonly netnsFd?: number;
}

/**
 * Creates a macvtap with a single RTM_NEWLINK, so a failure leaves no link behind. If the parent is itself a macvtap,
 * the kernel uses that macvtap's parent instead. Callers are responsible for choosing a suitable parent.
 *
 * Raises `LinkNameTaken`, `LinkNameInvalid`, `IfindexTaken`, `ParentGone`, `ParentEnslaved`, `ParentUnsuitable`,
 * `MTUAboveParent`, `PassthruExclusive`, `MACAddressInvalid`, `MACAddressTaken`, `MacvtapUnsupported`,
 * `MissingCapability`, `NetlinkRefused` and the errors of the socket. `lookUp` reads other links to find the cause of a
 * failure.
 */
export async function createMacvtap(
  socket: Requester,
  lookUp: LinkLookup,
  request: MacvtapRequest,
  signal?: AbortSignal,
): Promise<void> {
  const encoded = encodeCreateMacvtap(check(request));
  const reply = await socket.request(encoded, signal);
  if (reply.errno !== 0) throw await explainCreateFailure(request, reply, lookUp);
}

/** Checks the values that the kernel would not reject, but interpret differently. */
function check(request: MacvtapRequest): NewMacvtap {
  const { macAddress: text, ...rest } = request;
  const refuse = (code: ErrorCode, why: string) =>
    new MacvtapError(code, `cannot create macvtap ${request.name}: ${why}`, {
      facts: { name: request.name, parentIfindex: request.parentIfindex, macAddress: text },
    });
  // The kernel treats % as a pattern (dev_alloc_name) and would choose another name.
  if (request.name.includes('%')) throw refuse('LinkNameInvalid', 'choose a name without %');
  if (text === undefined) return rest;
  const macAddress = parseMACAddress(text);
  if (macAddress !== undefined) return { ...rest, macAddress };
  throw refuse('MACAddressInvalid', `"${text}" is not a MAC address; write it like 52:54:00:12:34:56`);
}

/** The cause as an error code, and the next step for a user. */
type Explanation = readonly [code: ErrorCode, next: string];

/**
 * Returns the error for a macvtap that the kernel refused to create. If several causes have the same errno, the
 * function reads the links that could be the cause. These links may have changed in the meantime, so the explanation is
 * only the most likely one. The message also contains the kernel's text.
 */
export async function explainCreateFailure(
  request: MacvtapRequest,
  refusal: { readonly errno: number; readonly text?: string },
  lookUp: LinkLookup,
): Promise<MacvtapError> {
  const errno = nameErrno(refusal.errno);
  const [code, next] = await explain(request, errno, refusal.text, lookUp);
  const usual = describeErrno(refusal.errno);
  const text = refusal.text === undefined ? usual : `${refusal.text}: ${usual}`;
  const what = `cannot create macvtap ${request.name} in ${request.mode} mode on the link with ifindex ${request.parentIfindex}`;
  return new MacvtapError(code, `${what}: ${text}; ${next}`, {
    facts: {
      name: request.name,
      ifindex: request.ifindex,
      parentIfindex: request.parentIfindex,
      mode: request.mode,
      mtu: request.mtu,
      macAddress: request.macAddress,
      errno,
    },
  });
}

async function explain(
  request: MacvtapRequest,
  errno: string,
  text: string | undefined,
  lookUp: LinkLookup,
): Promise<Explanation> {
  switch (errno) {
    case 'ENODEV':
      return ['ParentGone', 'the parent is gone: choose one that exists'];
    case 'EBUSY':
      return ['ParentEnslaved', 'take the parent out of its bond or bridge, or choose another'];
    case 'ERANGE':
      return ['LinkNameInvalid', 'choose a name of at most 15 bytes'];
    case 'EADDRNOTAVAIL':
      return ['MACAddressInvalid', 'choose a unicast MAC address other than 00:00:00:00:00:00'];
    case 'EADDRINUSE':
      return ['MACAddressTaken', 'the parent or another macvtap on it has this MAC address: choose another'];
    case 'EOPNOTSUPP':
      return ['MacvtapUnsupported', 'run a kernel with CONFIG_MACVTAP, and load the module macvtap'];
    case 'EPERM':
      return ['MissingCapability', 'give the process CAP_NET_ADMIN'];
    case 'EEXIST':
      return explainExisting(request, lookUp);
    case 'EINVAL':
      // The kernel sends no text for the causes that explainInvalid distinguishes.
      return text === undefined
        ? explainInvalid(request, lookUp)
        : ['NetlinkRefused', "change the value in the kernel's text"];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}

/**
 * Finds out whether the name or the index is taken. For a link in another namespace, this is unknown, because the links
 * there cannot be read. The explanation then mentions both.
 */
async function explainExisting(request: MacvtapRequest, lookUp: LinkLookup): Promise<Explanation> {
  if (request.ifindex !== undefined && request.netnsFd === undefined) {
    const holder = await lookUp({ ifindex: request.ifindex });
    // If the same link has both the name and the index, the name is the clearer explanation.
    if (holder !== undefined && holder.name !== request.name) {
      return [
        'IfindexTaken',
        `${holder.kind} ${holder.name} has ifindex ${request.ifindex}: delete it or choose another index`,
      ];
    }
  }
  const number = request.ifindex === undefined ? '' : ` or the ifindex ${request.ifindex}`;
  const taken = request.netnsFd === undefined ? 'the name' : `the name${number}`;
  return ['LinkNameTaken', `another link has ${taken}: delete it first`];
}

async function explainInvalid(request: MacvtapRequest, lookUp: LinkLookup): Promise<Explanation> {
  // dev_valid_name, net/core/dev.c
  if (request.name === '' || /^\.\.?$|[/:\s]/.test(request.name)) {
    return ['LinkNameInvalid', 'choose a name without slash, colon and white space'];
  }
  const parent = await lookUp({ ifindex: request.parentIfindex });
  if (parent !== undefined && request.mtu !== undefined && request.mtu > parent.mtu) {
    const next = `the MTU ${request.mtu} is above the ${parent.mtu} of ${parent.name}: lower it, or raise the parent's first`;
    return ['MTUAboveParent', next];
  }
  // macvlan_port_create, drivers/net/macvlan.c
  if (parent?.name === 'lo') return ['ParentUnsuitable', 'choose an Ethernet link as the parent'];
  return [
    'PassthruExclusive',
    request.mode === 'passthru'
      ? 'the parent has other macvtaps or macvlans: delete them, or choose another mode or parent'
      : 'the parent may be taken by a passthru macvtap: delete that one, or choose another parent',
  ];
}
