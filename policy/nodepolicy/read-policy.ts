// SPDX-License-Identifier: Apache-2.0
import { macvtapNetworkNodePolicyDefaults as defaults } from '../api/macvtap-network-node-policy.ts';
import { isJsonObject } from '../json.ts';
import type { NodeSelection, Requirement } from '../plan/match-labels.ts';
import { compileNicGlob, type FieldOf, type NicMatcher } from '../plan/match-nic.ts';
import { type CarrierLoss, type Mode, quantityFor, readCarrierLoss } from '../plan/resource.ts';
import { deny, type Verdict } from '../reasons.ts';
import { checkNamespace } from './check-namespace.ts';
import { findShapeFault } from './find-shape-fault.ts';
import {
  type NicSelector,
  type ParentEntry,
  type PolicyObject,
  type ReviewContext,
  readLabelSelector,
  readNodeSelection,
} from './rule.ts';
import { reviewPolicy } from './rules.ts';
import { widenSelection } from './widen-selection.ts';

/** An entry of parentSelector with every default filled in. */
export interface PolicyEntry {
  readonly index: number;
  /** How the entry selects its interfaces: by a name or by a selector. */
  readonly parent: { readonly name: string } | { readonly matcher: NicMatcher };
  /** The ID of a VLAN. The parent is then this VLAN on top of each interface that the entry selects. */
  readonly vlan?: number;
  readonly mode: Mode;
  readonly quantity: number;
  /** If absent, each interface that the entry finds becomes a resource with the interface's name. */
  readonly resourceName?: string;
  readonly excludeTopology: boolean;
  readonly needVhostNet: boolean;
  readonly allowHostInterface: boolean;
}

/** A parsed policy. */
export interface Policy {
  /** `namespace/name`. */
  readonly id: string;
  /** Absent if the policy was read from a file. */
  readonly uid?: string;
  readonly generation?: number;
  readonly priority: number;
  /**
   * Milliseconds since the epoch. A policy without a creation time, for example from a file, is the newest: Infinity.
   */
  readonly createdMs: number;
  /** Set only in the resource-centric form. */
  readonly resourceName?: string;
  readonly entries: readonly PolicyEntry[];
  readonly nodes: NodeSelection;
  readonly namespaces: readonly Requirement[];
  /** Absent for the default; see readCarrierLoss. */
  readonly carrierLoss?: CarrierLoss;
  /**
   * Errors found by the schema or the rules. A policy with errors exposes nothing. Nevertheless, nodes that the policy
   * selects, or that its author may have meant to select, do not fall back to another source; see widen-selection.
   */
  readonly faults: readonly Verdict[];
}

/**
 * Reads a policy that has passed the schema check. Fills in defaults, compiles globs and converts label values to
 * strings.
 */
export function readPolicy(object: PolicyObject, context: ReviewContext): Policy {
  const { metadata, spec } = object;
  const faults = reviewPolicy(object, context).filter(({ severity }) => severity === 'deny');
  const carrierLoss = readCarrierLoss(spec);
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
    ...(carrierLoss !== undefined && { carrierLoss }),
    faults,
  };
}

/** A place where an object violates the schema, for example `spec.parentSelector[0].mode`, and how to fix it. */
export interface SchemaFault {
  readonly path: string;
  readonly detail: string;
}

/** The detail of a verdict for a place that findShapeFault returns. */
export const shapeDetail = 'missing, of another type, or a list that is too long; see kubectl explain mvnnp.spec';

/**
 * Reads a policy that the schema rejects. The policy exposes nothing. If it is in the installation's namespace, the
 * nodes that its author may have meant to select do not fall back to another source. Emits SchemaFault,
 * PolicyOutsideNamespace.
 */
export function readBrokenPolicy(object: unknown, faults: readonly SchemaFault[], context: ReviewContext): Policy {
  const { metadata, spec } = isJsonObject(object) ? object : {};
  const { name, namespace, uid, generation, creationTimestamp } = isJsonObject(metadata) ? metadata : {};
  const identity = {
    name: typeof name === 'string' ? name : '',
    namespace: typeof namespace === 'string' ? namespace : 'default',
  };
  const priority = isJsonObject(spec) ? spec.priority : undefined;
  return {
    id: `${identity.namespace}/${identity.name}`,
    ...(typeof uid === 'string' && { uid }),
    ...(isInteger(generation) && { generation }),
    priority: isInteger(priority) ? priority : defaults['spec.priority'],
    createdMs: readTime(creationTimestamp),
    entries: [],
    nodes: widenSelection(spec),
    namespaces: [],
    faults: [
      ...checkNamespace({ metadata: identity, spec: { parentSelector: [] } }, context),
      ...faults.map(({ path, detail }) => deny('SchemaFault', path, detail)),
    ],
  };
}

/** Reads any object that an API server returns as a policy, valid or invalid. */
export function readAnyPolicy(object: unknown, context: ReviewContext): Policy {
  const path = findShapeFault(object);
  return path === undefined
    ? readPolicy(object as PolicyObject, context)
    : readBrokenPolicy(object, [{ path, detail: shapeDetail }], context);
}

/** Returns a time in milliseconds since the epoch, or Infinity if the text is not a time. */
function readTime(text: unknown): number {
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

function readEntry(entry: ParentEntry, index: number, policyResourceName: string | undefined): PolicyEntry {
  const mode = entry.mode ?? defaults['spec.parentSelector[].mode'];
  const resourceName = policyResourceName ?? entry.resourceName;
  return {
    index,
    parent: readParent(entry),
    ...(entry.vlan !== undefined && { vlan: entry.vlan }),
    mode,
    quantity: entry.quantity ?? quantityFor(mode),
    ...(resourceName !== undefined && { resourceName }),
    excludeTopology: entry.excludeTopology ?? defaults['spec.parentSelector[].excludeTopology'],
    needVhostNet: entry.needVhostNet ?? defaults['spec.parentSelector[].needVhostNet'],
    allowHostInterface: entry.allowHostInterface ?? defaults['spec.parentSelector[].allowHostInterface'],
  };
}

/** The fields of an entry that this version knows. Type checking fails if a field of the schema is missing. */
const entryFields = {
  parentIface: true,
  nicSelector: true,
  vlan: true,
  mode: true,
  quantity: true,
  resourceName: true,
  excludeTopology: true,
  needVhostNet: true,
  allowHostInterface: true,
} as const satisfies Readonly<Record<keyof ParentEntry, true>>;

/**
 * Returns how an entry selects its interfaces. An entry with a field that only a newer version knows selects nothing,
 * and the node reports NothingFound. If the field were ignored, devices could have another parent than intended.
 */
function readParent(entry: ParentEntry): PolicyEntry['parent'] {
  if (!Object.keys(entry).every((field) => Object.hasOwn(entryFields, field))) return { matcher: noNic };
  const { parentIface, nicSelector = {} } = entry;
  return parentIface === undefined ? { matcher: readNicSelector(nicSelector) } : { name: parentIface };
}

/** One reader for each field of a NIC selector and of its `exclude`. */
export type FieldReaders<Selector extends { readonly exclude?: object }> = {
  readonly [Field in FieldOf<Selector>]: (selector: NicSelector & NicSelector['exclude']) => NicMatcher;
};

/** Reads each field. Type checking fails if a field of the schema is missing from this list. */
export const fieldReaders = {
  names: ({ names }) => ({ ...(names && { names: names.map((glob) => compileNicGlob('names', glob)) }) }),
  drivers: ({ drivers }) => ({ ...(drivers && { drivers }) }),
  pciAddresses: ({ pciAddresses }) => ({
    ...(pciAddresses && { pciAddresses: pciAddresses.map((glob) => compileNicGlob('pciAddresses', glob)) }),
  }),
  vendorIDs: ({ vendorIDs }) => ({ ...(vendorIDs && { vendorIDs: vendorIDs.map(readHexID) }) }),
  deviceIDs: ({ deviceIDs }) => ({ ...(deviceIDs && { deviceIDs: deviceIDs.map(readHexID) }) }),
  macAddresses: ({ macAddresses }) => ({
    ...(macAddresses && { macAddresses: macAddresses.map((glob) => compileNicGlob('macAddresses', glob)) }),
  }),
  numaNodes: ({ numaNodes }) => ({ ...(numaNodes && { numaNodes }) }),
  defaultRoute: ({ defaultRoute }) => ({ ...(defaultRoute !== undefined && { defaultRoute }) }),
  exclude: ({ exclude }) => ({ ...(exclude && { exclude: readFields(exclude) }) }),
} as const satisfies FieldReaders<NicSelector>;

/** A matcher that matches nothing, because its list of names is empty. */
const noNic: NicMatcher = { names: [] };

/**
 * Reads a NIC selector. A selector with a field that only a newer version knows matches nothing. If the field were
 * ignored, the selector would match more interfaces than its author intended.
 */
function readNicSelector(selector: NicSelector): NicMatcher {
  return [selector, selector.exclude ?? {}].every(isKnown) ? readFields(selector) : noNic;
}

function readFields(selector: NicSelector & NicSelector['exclude']): NicMatcher {
  return Object.assign({}, ...Object.values(fieldReaders).map((read) => read(selector)));
}

function isKnown(selector: NicSelector | NonNullable<NicSelector['exclude']>): boolean {
  return Object.keys(selector).every((field) => Object.hasOwn(fieldReaders, field));
}

function readHexID(id: string): string {
  return id.toLowerCase().replace(/^0x/, '');
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
