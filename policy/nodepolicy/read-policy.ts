// SPDX-License-Identifier: Apache-2.0
import { macvtapNetworkNodePolicyDefaults as defaults } from '../api/macvtap-network-node-policy.ts';
import type { Requirement } from '../plan/match-labels.ts';
import type { NicMatcher } from '../plan/match-nic.ts';
import type { NodeSelection } from '../plan/match-node.ts';
import { type Mode, quantityFor } from '../plan/mode.ts';
import type { Verdict } from '../reasons.ts';
import { compileNicGlob } from './compile-nic-glob.ts';
import { readLabelSelector, readNodeSelection } from './read-selection.ts';
import { reviewPolicy } from './review-policy.ts';
import type { NicSelector, ParentEntry, PolicyObject, ReviewContext } from './rule.ts';
import { widenSelection } from './widen-selection.ts';

/** An entry of parentSelector with every default filled in. */
export interface PolicyEntry {
  readonly index: number;
  /** The interface that it names, or what it selects by. */
  readonly parent: { readonly name: string } | { readonly matcher: NicMatcher };
  readonly mode: Mode;
  readonly quantity: number;
  /** Absent: each interface that the entry finds is a resource of its own name. */
  readonly resourceName?: string;
  readonly excludeTopology: boolean;
  readonly needVhostNet: boolean;
  readonly allowHostInterface: boolean;
}

/** A policy as the engine reads it. */
export interface Policy {
  /** `namespace/name`. */
  readonly id: string;
  /** Absent in a file. */
  readonly uid?: string;
  readonly generation?: number;
  readonly priority: number;
  /** Milliseconds since the epoch; Infinity for a policy that has no time, as in files, which so counts as the newest. */
  readonly createdMs: number;
  /** Set in the resource-centric form. */
  readonly resourceName?: string;
  readonly entries: readonly PolicyEntry[];
  readonly nodes: NodeSelection;
  readonly namespaces: readonly Requirement[];
  /**
   * Faults that the schema or the rules found. A policy with one exposes nothing, but still keeps its nodes, and those
   * that a part at fault may have meant, to the white-list: see widen-selection.
   */
  readonly faults: readonly Verdict[];
}

/** Reads a policy whose shape the schema has checked: defaults written out, globs compiled, label values as text. */
export function readPolicy(object: PolicyObject, context: ReviewContext): Policy {
  const { metadata, spec } = object;
  const faults = reviewPolicy(object, context).filter(({ severity }) => severity === 'deny');
  return {
    id: `${metadata.namespace}/${metadata.name}`,
    ...(metadata.uid !== undefined && { uid: metadata.uid }),
    ...(metadata.generation !== undefined && { generation: metadata.generation }),
    priority: spec.priority ?? defaults['spec.priority'],
    createdMs: readTime(metadata.creationTimestamp),
    ...(spec.resourceName !== undefined && { resourceName: spec.resourceName }),
    entries: spec.parentSelector.map((entry, index) => readEntry(entry, index, spec.resourceName)),
    nodes: faults.length === 0 ? readNodeSelection(spec) : widenSelection(spec),
    namespaces: readLabelSelector(spec.namespaceSelector),
    faults,
  };
}

/** Milliseconds since the epoch; Infinity for what is no time. */
export function readTime(text: unknown): number {
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

function readEntry(entry: ParentEntry, index: number, policyResourceName: string | undefined): PolicyEntry {
  const mode = entry.mode ?? defaults['spec.parentSelector[].mode'];
  const resourceName = policyResourceName ?? entry.resourceName;
  return {
    index,
    parent:
      entry.parentIface === undefined
        ? { matcher: readNicSelector(entry.nicSelector ?? {}) }
        : { name: entry.parentIface },
    mode,
    quantity: entry.quantity ?? quantityFor(mode),
    ...(resourceName !== undefined && { resourceName }),
    excludeTopology: entry.excludeTopology ?? defaults['spec.parentSelector[].excludeTopology'],
    needVhostNet: entry.needVhostNet ?? defaults['spec.parentSelector[].needVhostNet'],
    allowHostInterface: entry.allowHostInterface ?? defaults['spec.parentSelector[].allowHostInterface'],
  };
}

function readNicSelector(selector: NicSelector): NicMatcher {
  const { names, pciAddresses, vendorIDs, deviceIDs, macAddresses, exclude, ...asTheyAre } = selector;
  return {
    ...asTheyAre,
    ...(names && { names: names.map((glob) => compileNicGlob('names', glob)) }),
    ...(pciAddresses && { pciAddresses: pciAddresses.map((glob) => compileNicGlob('pciAddresses', glob)) }),
    ...(macAddresses && { macAddresses: macAddresses.map((glob) => compileNicGlob('macAddresses', glob)) }),
    ...(vendorIDs && { vendorIDs: vendorIDs.map(readHexID) }),
    ...(deviceIDs && { deviceIDs: deviceIDs.map(readHexID) }),
    ...(exclude && { exclude: readNicSelector(exclude) }),
  };
}

function readHexID(id: string): string {
  return id.toLowerCase().replace(/^0x/, '');
}
