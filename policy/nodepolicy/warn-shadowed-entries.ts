// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import type { PolicyWarning } from './policy-warning.ts';
import type { PolicyEntry } from './read-policy.ts';

/**
 * Two entries of a resource name are how a policy says "bond1, or else eth1". When both look for the same interface,
 * though, the later one never gets its turn, whatever its mode or quantity.
 *
 * Reads parent, resourceName, mode and allowHostInterface of the entries. Emits Shadowed.
 */
export const warnShadowedEntries: PolicyWarning = ({ entries }) =>
  entries.flatMap((entry) => {
    const first = entries.find((other) => other.index < entry.index && alwaysComesBefore(other, entry));
    if (first === undefined) return [];
    const path = `spec.parentSelector[${entry.index}]`;
    return [
      warn('Shadowed', path, `entry ${first.index} names the same interface and resource: remove one of the two`),
    ];
  });

/** Not where the earlier one may leave an interface to the later: passthru passes over what carries the node's traffic. */
function alwaysComesBefore(first: PolicyEntry, entry: PolicyEntry): boolean {
  return (
    'name' in first.parent &&
    'name' in entry.parent &&
    first.parent.name === entry.parent.name &&
    first.resourceName === entry.resourceName &&
    (!isPicky(first) || isPicky(entry))
  );
}

function isPicky({ mode, allowHostInterface }: PolicyEntry): boolean {
  return mode === 'passthru' && !allowHostInterface;
}
