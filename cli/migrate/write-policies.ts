// SPDX-License-Identifier: Apache-2.0
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-manifests.ts';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodePolicy } from '../../policy/api/macvtap-network-node-policy.ts';
import { isJsonObject } from '../../policy/json.ts';
import { readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { NodeAffinity, ParentEntry, PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { count } from '../../policy/nodepolicy/warning.ts';
import {
  type ExplicitConfig,
  type ExplicitEntry,
  explicitConfigMap,
  readExplicit,
} from '../../policy/plan/from-explicit.ts';
import { maxQuantity } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LintInput } from '../lint/read-inputs.ts';

export interface WriteOptions {
  readonly policyNamespace: string;
  readonly name: string;
  /**
   * The nodes that other policies select. The config map has no effect on these nodes, so the new policies must not
   * select them.
   */
  readonly except: readonly string[];
}

/** Policies that replace a configuration, and notes about entries that they cannot express. */
export interface WrittenPolicies {
  readonly objects: readonly MacvtapNetworkNodePolicy[];
  /** One line for each entry that was left out or changed. */
  readonly notes: readonly string[];
}

/** The maximum number of entries of a parentSelector, as in the schema. */
const mostEntries = 64;

/** The maximum number of requirements in the matchFields of a policy. */
export const mostExceptions = 64;

/**
 * Converts the entries of a configuration to policies, in the same order and with macvtap-cni's defaults. If a name is
 * repeated, the last entry counts. The default mode is bridge, and the default capacity is 100, or 1 for passthru.
 * Entries that a policy cannot express are left out: `provePlans` shows whether a node needs them.
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
  if (mode === undefined) return { note: `left out: ${value} is not a mode, so it exposes nothing` };
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const entry = { parentIface: lowerDevice, mode, quantity: Math.min(quantity, limit), resourceName: name };
  const [fault] = readPolicy(toPolicy([entry], options.name, options), options).faults;
  if (fault !== undefined) return { note: `left out: ${fault.reason}: ${fault.detail}` };
  return quantity > limit
    ? { entry, note: `${count(limit, 'device')} instead of ${quantity}, as in macvtap-cni` }
    : { entry };
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

/**
 * Returns a node affinity that excludes nodes by name. It has one requirement for each node, because Kubernetes allows
 * only one value in a requirement of matchFields.
 */
function notOn(nodes: readonly string[]): NodeAffinity {
  const matchFields = nodes.map((node) => ({ key: 'metadata.name', operator: 'NotIn' as const, values: [node] }));
  return { nodeSelectorTerms: [{ matchFields }] };
}

const { name: mapName, key } = explicitConfigMap;

/**
 * Reads the entries from macvtap-cni's config map in the cluster, or from a file. The file contains a config map (in
 * any namespace), or only the JSON list of its entries. Raises ManifestsUnreadable if there are no entries.
 */
export function readConfiguration(input: LintInput | undefined, snapshot: Snapshot): readonly ExplicitEntry[] {
  const where = input?.name ?? `ConfigMap ${mapName} of the cluster`;
  const config = input === undefined ? snapshot.explicit : readFile(input);
  if (config === undefined)
    throw unusable(`${where}: not found; name a file with -f, or check --installation-namespace`);
  if ('fault' in config) throw unusable(`${where}: ${config.fault}`);
  if (config.entries.length === 0) throw unusable(`${where}: no entries, so there is nothing to migrate`);
  return config.entries;
}

function readFile({ content }: LintInput): ExplicitConfig | undefined {
  if ('fault' in content) return content;
  if (content.text.trimStart().startsWith('[')) return readExplicit(content.text);
  for (const document of parseDocuments(content.text)) {
    if ('fault' in document.content) return document.content;
    const maps = itemsOf(document.content.value).map(({ value }) => value);
    const found = maps.find(
      (value) => isJsonObject(value) && value.kind === 'ConfigMap' && isJsonObject(value.data) && key in value.data,
    );
    if (isJsonObject(found) && isJsonObject(found.data)) return readExplicit(String(found.data[key]));
  }
  return { fault: `neither a ConfigMap with the key ${key} nor a JSON list` };
}

function unusable(message: string): MacvtapError {
  return new MacvtapError('ManifestsUnreadable', message);
}
