// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';

/**
 * A device has one link, so in one sandbox it can have one name: to make it under another one would cut the first
 * without a word. Two networks that were given the same device are a contradiction that only a person can resolve.
 * Raises `DeviceNamedTwice`.
 */
export function checkName(
  id: string,
  { attachment: former }: DeviceEntry,
  { containerID, ifname, netnsInode, network }: Attachment,
): void {
  if (former === undefined || former.ifname === ifname) return;
  if (former.containerID !== containerID && former.netnsInode !== netnsInode) return;
  const first = former.network === undefined ? former.ifname : `${former.ifname} of network ${former.network}`;
  throw new MacvtapError(
    'DeviceNamedTwice',
    `device ${id} is ${first} in this sandbox already, and cannot be ${ifname} of network ${network} too: let a container of ` +
      "the pod ask for one device of the networks' resource for each of them, and leave deviceID out of their configurations",
    { facts: { device: id, first: former.ifname, second: ifname } },
  );
}
