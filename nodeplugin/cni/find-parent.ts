// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';
import { isSameNetns } from './open-netns.ts';

/**
 * The interface that a device stands on. While it has a link, or its sandbox is there, the number tells, whatever the name
 * is by now and whoever has it; else the name does: after a reboot the number is another one's. On a macvtap or macvlan the
 * kernel would silently put the link on that one's own parent. Raises `ParentUnavailable`.
 */
export function findParent(
  id: string,
  entry: DeviceEntry,
  context: CNIContext,
): InterfaceFacts & { readonly ifindex: number } {
  const { parent: name, resource } = entry;
  const parent = findStanding(id, entry, context) ?? context.interfaces().find((nic) => nic.name === name);
  const unavailable = (why: string) =>
    new MacvtapError(
      'ParentUnavailable',
      `device ${id}: parent ${name} of resource ${resource} cannot be used: ${why}`,
      {
        facts: { device: id, parent: name, resource },
      },
    );
  if (parent?.ifindex === undefined)
    throw unavailable('the node has no such interface; bring it back, and it is tried again');
  if (parent.kind === 'macvtap' || parent.kind === 'macvlan') {
    throw unavailable(`it is a ${parent.kind} by now; name an interface that is none`);
  }
  return { ...parent, ifindex: parent.ifindex };
}

/** The interface of the number that the ledger has; undefined when it is gone, or the number may be of before a reboot. */
export function findStanding(
  id: string,
  { ifindex: own, parentIfindex, attachment }: DeviceEntry,
  { interfaces, links }: CNIContext,
): InterfaceFacts | undefined {
  const isOfNow =
    attachment === undefined
      ? links.readTapLinkName(own) === linkName(id)
      : isSameNetns(attachment.netnsPath, attachment.netnsInode);
  return isOfNow ? interfaces().find(({ ifindex }) => ifindex !== undefined && ifindex === parentIfindex) : undefined;
}
