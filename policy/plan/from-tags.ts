// SPDX-License-Identifier: Apache-2.0
import { type Candidate, plainCandidate, type Wishes } from './candidate.ts';
import type { Interfaces } from './interfaces.ts';
import type { Labels } from './match-labels.ts';
import { isMode, quantityFor } from './mode.ts';
import { compareNatural } from './natural-order.ts';
import type { Finding } from './node-plan.ts';
import { checkSuitability } from './suitability.ts';

/** Labels that name a parent: `parent-iface.macvtap.network.kubevirt.io/eth1: vepa`; an empty value means bridge. */
export const tagPrefix = 'parent-iface.macvtap.network.kubevirt.io/';

/** A tag of a node: which interface it names, and the mode as it is written. */
export interface Tag {
  readonly interface: string;
  readonly value: string;
}

/** The tags among a node's labels, in natural order of the interfaces. */
export function readTags(labels: Labels): readonly Tag[] {
  return Object.entries(labels)
    .filter(([key]) => key.startsWith(tagPrefix))
    .map(([key, value]) => ({ interface: key.slice(tagPrefix.length), value }))
    .sort((left, right) => compareNatural(left.interface, right.interface));
}

/** What a node's tags wish for: each interface named is a resource under the name that the tag gives. */
export function wishesFromTags(tags: readonly Tag[], interfaces: Interfaces): Wishes {
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  for (const tag of tags) {
    const wish = wishOf(tag, interfaces);
    if ('code' in wish) skipped.push(wish);
    else candidates.push(wish);
  }
  return { candidates, skipped };
}

function wishOf(tag: Tag, interfaces: Interfaces): Candidate | Finding {
  const asker = { source: 'tag' } as const;
  const mode = tag.value === '' ? 'bridge' : tag.value;
  if (!isMode(mode)) return { code: 'UnknownMode', ...asker, interface: tag.interface, value: tag.value };
  const nic = interfaces.find(tag.interface);
  if (nic === undefined) return { code: 'NothingFound', ...asker, interface: tag.interface };
  const use = { resourceName: tag.interface, mode, allowHostInterface: false };
  const fault = checkSuitability(nic, use, interfaces);
  if (fault !== undefined) return { ...fault, ...asker, interface: nic.name };
  return plainCandidate(asker, tag.interface, nic, mode, quantityFor(mode));
}
