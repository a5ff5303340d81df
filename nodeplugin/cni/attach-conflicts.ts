// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import { listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import type { NetConf } from './spec/net-conf.ts';

/**
 * Checks that the network configuration does not request a mode that differs from the device's. The device got its
 * resource's mode when it was allocated, so only a person can resolve the conflict. A mode that the webhook filled in
 * from a policy is ignored, because the policy may have changed since then. Raises `ModeConflict`.
 */
export function checkMode(id: string, { mode, resource }: DeviceEntry, conf: NetConf, { resources }: CNIContext): void {
  if (conf.mode === undefined || conf.mode === mode || conf.modeFromPolicy) return;
  const policy = resources().get(resource)?.policy;
  const source = policy === undefined ? `resource ${resource}` : `policy ${policy}`;
  throw new MacvtapError(
    'ModeConflict',
    `network ${conf.name} wants mode ${conf.mode}, and device ${id} has mode ${mode} by ${source}: write "mode": "${mode}" ` +
      `into NetworkAttachmentDefinition ${conf.name} or leave it out, or change the policy`,
    { facts: { device: id, resource, network: conf.name, wanted: conf.mode, mode, policy } },
  );
}

/**
 * Checks that two networks of one sandbox do not use the same device. A device has only one link. Creating it for the
 * second network would silently remove it from the first one. Raises `DeviceNamedTwice`.
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
    `device ${id} is already ${first} in this sandbox, and cannot also be ${ifname} of network ${network}: let a container of ` +
      "the pod request one device of the networks' resource for each network, and leave deviceID out of their configurations",
    { facts: { device: id, first: former.ifname, second: ifname } },
  );
}

/**
 * Explains why the kernel refused to create a link. Adds the parent's name and, if the MAC address is in use, its
 * holder.
 */
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

/** Explains that a MAC address is in use, and names the holder: the parent itself, or another link on it. */
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
  // A virtual machine keeps its address, so the holder may be the link of its previous pod on this node.
  const wait = sibling === undefined ? '' : 'if an earlier pod of the same virtual machine is ending, wait; else ';
  const nextStep = `${wait}give the pod or its network another one, or none`;
  return new MacvtapError(error.code, `MAC address ${mac} is in use by ${holder}: ${nextStep}`, {
    facts: { ...error.facts, device: id, macAddress: mac, holder },
    cause: error,
  });
}
