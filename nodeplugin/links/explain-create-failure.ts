// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import type { MacvtapRequest } from './create-macvtap.ts';
import type { LinkLookup } from './get-link.ts';

/** Why, as a code, and what a person can do about it. */
type Explanation = readonly [code: ErrorCode, next: string];

/**
 * The error for a macvtap that the kernel did not make. Several causes share an errno; then the links that could be the
 * cause are looked at. They may have changed meanwhile: the explanation is the likeliest one, the kernel's own text is
 * in the message in any case.
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
  const what = `cannot make macvtap ${request.name} in ${request.mode} mode on the link with ifindex ${request.parentIfindex}`;
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
      // What the cases below are made of comes without words.
      return text === undefined ? explainInvalid(request, lookUp) : ['NetlinkRefused', 'change what the kernel names'];
    default:
      return ['NetlinkRefused', "see the kernel's text"];
  }
}

/** EEXIST does not say whether the name or the number is taken. In another namespace we cannot look. */
async function explainExisting(request: MacvtapRequest, lookUp: LinkLookup): Promise<Explanation> {
  if (request.ifindex !== undefined && request.netnsFd === undefined) {
    const holder = await lookUp({ ifindex: request.ifindex });
    // With both taken by one link the name tells more.
    if (holder !== undefined && holder.name !== request.name) {
      return [
        'IfindexTaken',
        `${holder.kind} ${holder.name} has ifindex ${request.ifindex}: delete it or take another number`,
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
