// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../../policy/api/macvtap-network-node-policy.ts';
import { readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { NodeAffinity, ParentEntry, PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { maxQuantity } from '../../policy/plan/mode.ts';
import type { ExplicitEntry } from '../../policy/plan/read-explicit.ts';

export interface WriteOptions {
  readonly policyNamespace: string;
  readonly name: string;
  /** Nodes that other policies select, where the configuration does not count and these must not, either. */
  readonly except: readonly string[];
}

/** Policies in place of a configuration, and what of it has no place in them. */
export interface WrittenPolicies {
  readonly objects: readonly MacvtapNetworkNodePolicy[];
  /** Entries that were left out or changed, each a line for a person. */
  readonly notes: readonly string[];
}

/** The bound of parentSelector. */
const mostEntries = 64;

/** The bound of matchFields. */
export const mostExceptions = 64;

/**
 * Writes the entries of a configuration as policies, in their order, with what macvtap-cni makes of them written out: the
 * last of a repeated name, bridge for no mode, 100 for no capacity, 1 for passthru. An entry that a policy cannot say is
 * left out; whether a node misses it is the proof's to say.
 */
export function writePolicies(entries: readonly ExplicitEntry[], options: WriteOptions): WrittenPolicies {
  const notes: string[] = [];
  const kept = entries.flatMap((entry) => {
    const written = writeEntry(entry, entries, options);
    if (written.note !== undefined) notes.push(`entry ${entry.index}, ${entry.name}: ${written.note}`);
    return written.entry ?? [];
  });
  const parts = Array.from({ length: Math.ceil(kept.length / mostEntries) }, (_, index) =>
    kept.slice(index * mostEntries, (index + 1) * mostEntries),
  );
  const objects = parts.map((part, index) =>
    toPolicy(part, index === 0 ? options.name : `${options.name}-${index + 1}`, options),
  );
  return { objects, notes };
}

function writeEntry(
  { index, name, lowerDevice, mode, value, quantity }: ExplicitEntry,
  all: readonly ExplicitEntry[],
  options: WriteOptions,
): { readonly entry?: ParentEntry; readonly note?: string } {
  const later = all.find((other) => other.name === name && other.index > index);
  if (later !== undefined) return { note: `left out: entry ${later.index} has the same name, and the last one counts` };
  if (mode === undefined) return { note: `left out: ${value} is no mode, so nothing is exposed by it` };
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const entry = { parentIface: lowerDevice, mode, quantity: Math.min(quantity, limit), resourceName: name };
  const [fault] = readPolicy(toPolicy([entry], options.name, options), options).faults;
  if (fault !== undefined) return { note: `left out: ${fault.reason}: ${fault.detail}` };
  return quantity > limit ? { entry, note: `${limit} devices in place of ${quantity}, as before` } : { entry };
}

function toPolicy(
  parentSelector: readonly ParentEntry[],
  name: string,
  { policyNamespace, except }: WriteOptions,
): PolicyObject & MacvtapNetworkNodePolicy {
  return {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name, namespace: policyNamespace },
    spec: { parentSelector: [...parentSelector], ...(except.length > 0 && { nodeAffinity: notOn(except) }) },
  };
}

/** As in Kubernetes, such a requirement has one value. */
function notOn(nodes: readonly string[]): NodeAffinity {
  const matchFields = nodes.map((node) => ({ key: 'metadata.name', operator: 'NotIn' as const, values: [node] }));
  return { nodeSelectorTerms: [{ matchFields }] };
}
