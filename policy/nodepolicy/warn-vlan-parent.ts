// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../plan/match-labels.ts';
import type { ReasonCode, Verdict } from '../reasons.ts';
import type { PolicyEntry } from './read-policy.ts';
import { clip, countNodes, type PolicyWarning, type PolicyWarningContext, warnBriefly } from './warning.ts';

/** The maximum number of selected nodes that are checked. */
const mostNodes = 1_000;

/** The maximum number of characters of each name in a warning. */
const shownChars = 40;

/**
 * Warns if the interface of an entry with `vlan` cannot have a VLAN. This is the case for a VLAN, a macvtap or macvlan,
 * and a port of a bond or bridge. On a node with such an interface, the entry exposes nothing. This is a warning and
 * not an error, because the interface may be suitable on other nodes or later.
 *
 * If no node has reported the interface, a name such as `eth1.100` is assumed to be the name of a VLAN.
 *
 * Reads parentIface and vlan of the entries, and the node selection. Emits VlanOnVlan, MacvtapOrMacvlan, Enslaved.
 */
export const warnVlanParent: PolicyWarning = (policy, context) => {
  const entries = policy.entries.filter(hasNamedVlan);
  if (entries.length === 0) return [];
  const selected: string[] = [];
  for (const node of context.nodes.values()) {
    if (selected.length === mostNodes) break;
    if (matchNode(node, policy.nodes)) selected.push(node.name);
  }
  return entries.flatMap((entry) => warnOf(entry, selected, context));
};

type NamedVlan = PolicyEntry & { readonly parent: { readonly name: string } };

function hasNamedVlan(entry: PolicyEntry): entry is NamedVlan {
  return entry.vlan !== undefined && 'name' in entry.parent;
}

function warnOf(
  { index, parent: { name } }: NamedVlan,
  selected: readonly string[],
  { findInterface }: PolicyWarningContext,
): readonly Verdict[] {
  const path = `spec.parentSelector[${index}].parentIface`;
  const shown = clip(name, shownChars);
  const nodes = new Map<ReasonCode, string[]>();
  let isReported = false;
  for (const node of selected) {
    const nic = findInterface?.(node, name);
    if (nic === undefined) continue;
    isReported = true;
    const code = codeOf(nic);
    if (code !== undefined) nodes.getOrInsertComputed(code, () => []).push(node);
  }
  if (isReported) return [...nodes].map(([code, names]) => warnBriefly(code, path, `${shown} on ${countNodes(names)}`));
  return /\.\d{1,4}$/.test(name) ? [warnBriefly('VlanOnVlan', path, `${shown}, by its name`)] : [];
}

function codeOf({
  kind,
  master,
}: NonNullable<ReturnType<NonNullable<PolicyWarningContext['findInterface']>>>): ReasonCode | undefined {
  if (kind === 'vlan') return 'VlanOnVlan';
  if (kind === 'macvtap' || kind === 'macvlan') return 'MacvtapOrMacvlan';
  return master !== undefined && master.kind !== 'vrf' ? 'Enslaved' : undefined;
}
