// SPDX-License-Identifier: Apache-2.0
import { xxhash64 } from '../../policy/device/xxhash64.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import type { NetConf } from './net-conf.ts';
import { isUnicastMAC } from './net-conf-rules.ts';

/** What an address depends on besides the device. */
export interface MACWishes {
  readonly parent: Pick<InterfaceFacts, 'name' | 'macAddress'>;
  readonly conf: Pick<NetConf, 'macs'>;
  readonly environment: Pick<CNIEnvironment, 'mac'>;
  /** This node's, for a device whose record does not tell under which name its address was made. */
  readonly nodeName: string;
}

/**
 * The address that the link of a device gets: the wanted one, else the device's own; a passthru link has its parent's, and
 * whoever wants another is refused. Raises `MACAddressInvalid`.
 */
export function chooseMAC(
  id: string,
  { mode, nodeName: madeUnder }: Pick<DeviceEntry, 'mode' | 'nodeName'>,
  { parent, conf, environment, nodeName }: MACWishes,
): string {
  const wanted = findWantedMAC(conf, environment);
  if (mode !== 'passthru') return wanted ?? deviceMAC(madeUnder ?? nodeName, id);
  const own = parent.macAddress?.toLowerCase();
  if (own === undefined || (wanted !== undefined && wanted !== own)) {
    throw new MacvtapError(
      'MACAddressInvalid',
      `a passthru link has its parent's MAC address, ${own ?? 'which is unknown'} of ${parent.name}, and cannot have ${wanted}: ` +
        'leave it out, or change the mode in the policy',
      { facts: { device: id, parent: parent.name, macAddress: wanted } },
    );
  }
  return own;
}

/**
 * The address that somebody asked for, in lower case: what the pod's annotation says (runtimeConfig, through a
 * capability) before args.cni, before CNI_ARGS, before the network's own. Undefined when nobody did. Raises
 * `MACAddressInvalid` for CNI_ARGS, which nobody else checked.
 */
export function findWantedMAC(
  { macs }: Pick<NetConf, 'macs'>,
  { mac: fromArgs }: Pick<CNIEnvironment, 'mac'>,
): string | undefined {
  if (
    macs.runtimeConfig === undefined &&
    macs.args === undefined &&
    fromArgs !== undefined &&
    !isUnicastMAC(fromArgs)
  ) {
    throw new MacvtapError(
      'MACAddressInvalid',
      `MAC in CNI_ARGS is "${fromArgs.slice(0, 60)}", not a unicast MAC address like 52:54:00:12:34:56`,
    );
  }
  return (macs.runtimeConfig ?? macs.args ?? fromArgs ?? macs.config)?.toLowerCase();
}

/**
 * The address of a device whose pod asked for none: always the same for a device of a node, so that a virtual machine
 * finds its address again when its sandbox is made anew, and another one than any other node's on the same network
 * (46 bits of hash). Locally administered and unicast: IEEE 802, the two lowest bits of the first byte are 10.
 *
 * @example '9a:3f:01:c2:77:10'
 */
export function deviceMAC(nodeName: string, deviceID: string): string {
  // Other bits than those of the index, which are the lowest thirty, as far as 64 suffice for both.
  const hash = xxhash64(`${nodeName}/${deviceID}`) >> 16n;
  const bytes = Array.from({ length: 6 }, (_, i) => Number((hash >> BigInt(8 * (5 - i))) & 0xffn));
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
