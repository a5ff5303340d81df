// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { isOwnMacvtap } from '../links/own-macvtap.ts';
import type { HeldDevice } from './served-resource.ts';

/** Something that nobody seems to need any more: a device that was given out, or a link of our name pattern. */
export type Orphan = { readonly device: string } | { readonly link: string; readonly ifindex: number };

/**
 * What is left over on the node, were it to stay so: devices of the ledger that no pod holds and that never were in a
 * pod (one that was is CNI DEL's to forget), and macvtaps of our name pattern in the node's namespace that belong to no
 * device known to the ledger or held by a pod. `held` counts everything that may be held.
 */
export function decideOrphans(
  interfaces: readonly InterfaceFacts[],
  entries: readonly (readonly [string, DeviceRecord])[],
  held: readonly HeldDevice[],
): readonly Orphan[] {
  const heldIDs = new Set(held.map(({ id }) => id));
  const devices = entries
    .filter(([id, { attachment }]) => attachment === undefined && !heldIDs.has(id))
    .map(([device]) => ({ device }));
  const known = new Set([...entries.map(([id]) => id), ...heldIDs].map(linkName));
  const links = interfaces.flatMap(({ name, kind, ifindex }) =>
    isOwnMacvtap({ name, kind }) && !known.has(name) && ifindex !== undefined ? [{ link: name, ifindex }] : [],
  );
  return [...devices, ...links];
}

/** What an orphan is told and remembered by. */
export function orphanName(orphan: Orphan): string {
  return 'device' in orphan ? `device ${orphan.device}` : `link ${orphan.link} (index ${orphan.ifindex})`;
}
