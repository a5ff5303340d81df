// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import { listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';

/** Who has the address that the kernel found in use on a parent: the parent itself, or a device in another pod. Any other error stays as it is. */
export function explainTakenMAC(
  thrown: unknown,
  id: string,
  { parent, attachment }: DeviceEntry & { readonly attachment: Attachment },
  { interfaces, ledger }: CNIContext,
): MacvtapError {
  const error = MacvtapError.from(thrown);
  if (error.code !== 'MACAddressTaken') return error;
  const { mac } = attachment;
  const isParents = interfaces().some((nic) => nic.name === parent && nic.macAddress?.toLowerCase() === mac);
  const sibling = listAttached(ledger).find(
    (other) => other.id !== id && other.record.parent === parent && other.record.attachment.mac === mac,
  );
  const other = sibling === undefined ? `another macvtap or macvlan on ${parent}` : `device ${sibling.id}`;
  const holder = isParents ? `parent ${parent} itself` : other;
  return new MacvtapError(
    error.code,
    `MAC address ${mac} is in use by ${holder}: give the pod or its network another one, or none`,
    { facts: { ...error.facts, device: id, macAddress: mac, holder }, cause: thrown },
  );
}
