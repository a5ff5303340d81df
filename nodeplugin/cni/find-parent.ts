// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';

/**
 * The interface that a device stands on, by name: after a reboot its number is another one's. On a macvtap or macvlan the
 * kernel would silently put the link on that one's own parent. Raises `ParentUnavailable`.
 */
export function findParent(
  id: string,
  { parent: name, resource }: DeviceEntry,
  { interfaces }: CNIContext,
): InterfaceFacts & { readonly ifindex: number } {
  const parent = interfaces().find((nic) => nic.name === name);
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
