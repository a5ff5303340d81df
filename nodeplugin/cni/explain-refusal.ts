// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import { listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';

/** Names the parent, of which the kernel knows the number only, and whoever has a MAC address that is in use on it. */
export function explainRefusal(
  thrown: unknown,
  id: string,
  entry: DeviceEntry & { readonly attachment: Attachment },
  context: Pick<CNIContext, 'interfaces' | 'ledger'>,
): MacvtapError {
  const error = MacvtapError.from(thrown);
  if (error.code === 'MACAddressTaken') return explainTakenMAC(error, id, entry, context);
  const { parent } = entry;
  return new MacvtapError(error.code, `on parent ${parent}: ${error.message}`, {
    facts: { ...error.facts, device: id, parent },
    cause: thrown,
  });
}

/** The holder is the parent itself, or a device in another pod. */
function explainTakenMAC(
  error: MacvtapError,
  id: string,
  { parent, attachment }: DeviceEntry & { readonly attachment: Attachment },
  { interfaces, ledger }: Pick<CNIContext, 'interfaces' | 'ledger'>,
): MacvtapError {
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
    { facts: { ...error.facts, device: id, macAddress: mac, holder }, cause: error },
  );
}
