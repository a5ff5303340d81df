// SPDX-License-Identifier: Apache-2.0
import { isLegalResourceName } from '../plan/resource.ts';
import { namedParent } from '../plan/vlan.ts';
import { type Verdict, warn } from '../reasons.ts';
import type { Policy, PolicyEntry } from './read-policy.ts';
import { clip, type PolicyWarning, warnBriefly } from './warning.ts';

/** How many characters of an interface's name are shown, which is enough to recognise it. */
const shownChars = 40;

/**
 * Warns about entries that cannot produce a resource:
 *
 * - An entry without a resourceName names an interface whose name is not a legal resource name. This is only a warning,
 *   because parentIface may be an altname of an interface with a legal name.
 * - An earlier entry has the same interface, VLAN and resourceName, so the later entry never takes effect. Two entries
 *   with the same resourceName and different interfaces are useful: they mean "bond1, or else eth1".
 *
 * Reads parentIface, vlan, resourceName, mode and allowHostInterface of the entries. Emits IllegalResourceName,
 * Shadowed.
 */
export const warnEntries: PolicyWarning = (policy) => [...findIllegalNames(policy), ...findShadowed(policy)];

function findIllegalNames({ entries }: Policy): readonly Verdict[] {
  return entries.flatMap((entry) => {
    const { index, resourceName } = entry;
    const name = namedParent(entry);
    if (resourceName !== undefined || name === undefined || isLegalResourceName(name)) return [];
    const path = `spec.parentSelector[${index}].parentIface`;
    const detail = `${clip(name, shownChars)}, unless it is an altname of an interface with a legal one`;
    return [warnBriefly('IllegalResourceName', path, detail)];
  });
}

function findShadowed({ entries }: Policy): readonly Verdict[] {
  return entries.flatMap((entry) => {
    const first = entries.find((other) => other.index < entry.index && alwaysComesBefore(other, entry));
    if (first === undefined) return [];
    const path = `spec.parentSelector[${entry.index}]`;
    return [
      warn('Shadowed', path, `entry ${first.index} names the same interface and resource: remove one of the two`),
    ];
  });
}

/**
 * Returns whether the first entry finds every interface that the other entry finds. An entry with passthru does not
 * find interfaces that carry the node's traffic, unless allowHostInterface is set.
 */
function alwaysComesBefore(first: PolicyEntry, entry: PolicyEntry): boolean {
  return (
    'name' in first.parent &&
    'name' in entry.parent &&
    first.parent.name === entry.parent.name &&
    first.vlan === entry.vlan &&
    first.resourceName === entry.resourceName &&
    (!sparesNodeTraffic(first) || sparesNodeTraffic(entry))
  );
}

function sparesNodeTraffic({ mode, allowHostInterface }: PolicyEntry): boolean {
  return mode === 'passthru' && !allowHostInterface;
}
