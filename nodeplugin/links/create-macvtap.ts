// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { MacvtapMode } from '../netlink/link-message.ts';
import { encodeCreateMacvtap, type NewMacvtap } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { explainCreateFailure } from './explain-create-failure.ts';
import type { LinkLookup } from './get-link.ts';
import { parseMACAddress } from './parse-mac-address.ts';

/** @example { name: 'mvt0123456789ab', ifindex: 1073741950, parentIfindex: 4, mode: 'bridge' } */
export interface MacvtapRequest {
  /** At most 15 bytes. */
  readonly name: string;
  /** The number of the link and of its /dev/tapN; the kernel chooses when absent. */
  readonly ifindex?: number;
  readonly parentIfindex: number;
  readonly mode: MacvtapMode;
  /** The kernel chooses one at random when absent (passthru: the parent's). */
  readonly macAddress?: string;
  /** The parent's when absent. */
  readonly mtu?: number;
  /** Administratively up from the start; down when absent. */
  readonly up?: boolean;
  /** Takes frames for every address. */
  readonly promiscuous?: boolean;
  /** The namespace's own kernel sends nothing on it, whatever it hears. */
  readonly silent?: boolean;
  /** Open descriptor of the namespace that the link is made in; this process's when absent. */
  readonly netnsFd?: number;
}

/**
 * Makes a macvtap by one RTM_NEWLINK: a failure leaves nothing behind. The kernel itself would make one on top of
 * another macvtap (it takes that one's parent instead); whoever calls chooses the parent.
 *
 * Raises `LinkNameTaken`, `LinkNameInvalid`, `IfindexTaken`, `ParentGone`, `ParentEnslaved`, `ParentUnsuitable`,
 * `MTUAboveParent`, `PassthruExclusive`, `MACAddressInvalid`, `MACAddressTaken`, `MacvtapUnsupported`,
 * `MissingCapability`, `NetlinkRefused` and what the socket raises. Which of them it is may take a look at other links,
 * by `lookUp`.
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

/** What the kernel could not refuse, because it would not see it. */
function check(request: MacvtapRequest): NewMacvtap {
  const { macAddress: text, ...rest } = request;
  const refuse = (code: ErrorCode, why: string) =>
    new MacvtapError(code, `cannot make macvtap ${request.name}: ${why}`, {
      facts: { name: request.name, parentIfindex: request.parentIfindex, macAddress: text },
    });
  // A % is a pattern to the kernel (dev_alloc_name), and nobody would find the link under its name.
  if (request.name.includes('%')) throw refuse('LinkNameInvalid', 'choose a name without %');
  if (text === undefined) return rest;
  const macAddress = parseMACAddress(text);
  if (macAddress !== undefined) return { ...rest, macAddress };
  throw refuse('MACAddressInvalid', `"${text}" is no MAC address; write it like 52:54:00:12:34:56`);
}
