// SPDX-License-Identifier: Apache-2.0

import { compareNatural } from '../names.ts';
import { type Candidate, checkSuitability, plainCandidate, type SourceResult } from './candidate.ts';
import type { Interfaces } from './interfaces.ts';
import type { Labels } from './match-labels.ts';
import type { Finding } from './node-plan.ts';
import { isMode, quantityFor } from './resource.ts';

/** Labels that name a parent: `parent-iface.macvtap.network.kubevirt.io/eth1: vepa`; an empty value means bridge. */
export const tagPrefix = 'parent-iface.macvtap.network.kubevirt.io/';

/** A tag of a node: the name of an interface, and the mode as written in the label. */
export interface Tag {
  readonly interface: string;
  readonly value: string;
}

/** Returns the tags among a node's labels, sorted by interface in natural order. */
export function readTags(labels: Labels): readonly Tag[] {
  return Object.entries(labels)
    .filter(([key]) => key.startsWith(tagPrefix))
    .map(([key, value]) => ({ interface: key.slice(tagPrefix.length), value }))
    .sort((left, right) => compareNatural(left.interface, right.interface));
}

/**
 * Returns the candidates of a node's tags. The resource has the name in the tag, which may be an altname of the
 * interface.
 */
export function candidatesFromTags(tags: readonly Tag[], interfaces: Interfaces): SourceResult {
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  for (const tag of tags) {
    const found = readTag(tag, interfaces);
    if ('code' in found) skipped.push(found);
    else candidates.push(found);
  }
  return { candidates, skipped };
}

function readTag(tag: Tag, interfaces: Interfaces): Candidate | Finding {
  const origin = { source: 'tag' } as const;
  const mode = tag.value === '' ? 'bridge' : tag.value;
  if (!isMode(mode)) return { code: 'UnknownMode', ...origin, interface: tag.interface, value: tag.value };
  const nic = interfaces.find(tag.interface);
  if (nic === undefined) return { code: 'NothingFound', ...origin, interface: tag.interface };
  const use = { resourceName: tag.interface, mode, allowHostInterface: false };
  const fault = checkSuitability(nic, use, interfaces);
  if (fault !== undefined) return { ...fault, ...origin, interface: nic.name };
  return plainCandidate(origin, tag.interface, nic, mode, quantityFor(mode));
}
