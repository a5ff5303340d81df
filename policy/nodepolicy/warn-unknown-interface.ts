// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../names.ts';
import { matchNode } from '../plan/match-labels.ts';
import type { Verdict } from '../reasons.ts';
import type { PolicyEntry } from './read-policy.ts';
import { clip, count, type PolicyWarning, warnBriefly } from './warning.ts';

/**
 * The maximum number of interface names to compare, which takes about 10 ms. If there are more, there is no warning. A
 * typical node has 50 names.
 */
const mostNames = 100_000;

/** How many characters of each name a warning shows. Interface names have at most 15 characters, altnames 127. */
const shownChars = 40;

/**
 * Warns if an interface in an entry is probably misspelled: no selected node has it, but a similar name exists on all
 * of them. Otherwise there is no warning, because a missing interface is normal, for example if nodes with it will be
 * added later.
 *
 * Names that differ only in digits are not similar: eth2 may be the next interface after eth1. Nodes that have not
 * reported their interfaces are ignored. If no node has reported, there is no warning.
 *
 * Reads parentIface of the entries, and the node selection. Emits InterfaceNotFound.
 */
export const warnUnknownInterface: PolicyWarning = (policy, { nodes, interfacesOf }) => {
  const named = policy.entries.filter(isNamed);
  if (named.length === 0 || interfacesOf === undefined) return [];
  let reported = 0;
  let compared = 0;
  let absent: readonly NamedEntry[] = named;
  let everywhere: ReadonlySet<string> | undefined;
  for (const node of nodes.values()) {
    if (absent.length === 0) return [];
    if (!matchNode(node, policy.nodes)) continue;
    const names = interfacesOf(node.name);
    if (names === undefined) continue;
    reported += 1;
    compared += names.size;
    if (compared > mostNames) return [];
    absent = absent.filter(({ parent }) => !names.has(parent.name));
    everywhere = everywhere === undefined ? names : everywhere.intersection(names);
  }
  return absent.flatMap((entry) => warnOf(entry, everywhere ?? new Set(), reported));
};

type NamedEntry = PolicyEntry & { readonly parent: { readonly name: string } };

function isNamed(entry: PolicyEntry): entry is NamedEntry {
  return 'name' in entry.parent;
}

function warnOf({ index, parent }: NamedEntry, names: ReadonlySet<string>, nodes: number): readonly Verdict[] {
  const [near] = nearestNames(parent.name, names).filter((name) => withoutDigits(name) !== withoutDigits(parent.name));
  if (near === undefined) return [];
  const owners = nodes === 1 ? 'the selected node has' : `all ${count(nodes, 'selected node')} have`;
  const detail = `${clip(parent.name, shownChars)}: did you mean ${clip(near, shownChars)}, which ${owners}?`;
  return [warnBriefly('InterfaceNotFound', `spec.parentSelector[${index}].parentIface`, detail)];
}

function withoutDigits(name: string): string {
  return name.replace(/\d/g, '');
}
