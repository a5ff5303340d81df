// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { describeFailure, itemsOf } from '../nodestate/node-state-limits.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import {
  createDeclaredTally,
  createExposureTally,
  type DeclaredResource,
  findDeclaredResources,
} from './declared-resources.ts';
import type { DeclaredOffer, DeclaredSources } from './declared-sources.ts';
import { mergeOffers, type Offer, type OffersInput } from './offers.ts';
import { type Exposure, readExposures, readNodeLinks } from './read-exposures.ts';

/** The key of a source that declares resources: a policy's ID, or the symbol for the explicit configuration. */
export type SourceKey = string | typeof explicitSource;
export const explicitSource = Symbol('explicit');

export type NodesInput = Pick<OffersInput, 'nodes' | 'nodeStates'>;

/** The offers of all nodes, updated incrementally. */
export interface NodeReadings {
  /**
   * Reads new and changed nodes. For all other nodes, reads only the parts that depend on changed sources. Removes
   * deleted nodes. Returns the affected resources. Yields after each slice of work. The generator must finish before
   * offers are read.
   */
  follow(
    nodes: NodesInput,
    sources: DeclaredSources,
    changed: ReadonlySet<SourceKey>,
  ): Generator<void, ReadonlySet<string>, void>;
  /**
   * Returns the sorted offers of a resource: those that nodes expose, those declared for the nodes' interfaces, and
   * `written`.
   */
  offersOf(resource: string, written: readonly DeclaredOffer[]): readonly Offer[];
  /**
   * The nodes whose report could not be read, and the error that was thrown. Such an error is a bug. These nodes are
   * omitted.
   */
  readonly failures: ReadonlyMap<string, string>;
}

/**
 * How much work is done before the generator yields. This takes a few milliseconds. One unit is the comparison of an
 * unchanged node.
 */
const glancesPerSlice = 5_000;

/** The work of reading a node, and the additional work of each item that the node reports, in the same units. */
const glancesPerReading = 100;
const glancesPerItem = 2;

interface Reading {
  readonly node: NodeFacts;
  readonly state: MacvtapNetworkNodeState;
  readonly exposures: readonly Exposure[];
  readonly declared: readonly DeclaredResource[];
  /** Set if reading the node failed. The next update then reads the whole node again. */
  readonly hasFailed?: true;
}

export function createNodeReadings(): NodeReadings {
  const exposed = createExposureTally();
  const declared = createDeclaredTally();
  const readings = new Map<string, Reading>();
  const failures = new Map<string, string>();

  /** Replaces the offers of a node, and adds the affected resources to `concerned`. */
  const recount = (
    before: Pick<Reading, 'exposures' | 'declared'>,
    after: typeof before,
    concerned: Set<string>,
  ): void => {
    // Most new reports change neither the exposed nor the declared resources. For example, a pod holds another device,
    // or a link loses its carrier.
    if (!isSame(before.exposures, after.exposures)) {
      exposed.count(before.exposures, -1);
      exposed.count(after.exposures, 1);
      for (const { resource } of [...before.exposures, ...after.exposures]) concerned.add(resource);
    }
    if (!isSame(before.declared, after.declared)) {
      declared.count(before.declared, -1);
      declared.count(after.declared, 1);
      for (const resource of [...before.declared, ...after.declared])
        for (const name of namesOf(resource)) concerned.add(name);
    }
  };

  /** Omits a node whose report cannot be read, so that the other nodes are still read. */
  const readOrLeaveOut = (name: string, read: () => Reading, leftOut: Reading): Reading => {
    try {
      const reading = read();
      failures.delete(name);
      return reading;
    } catch (thrown) {
      failures.set(name, describeFailure(thrown));
      return leftOut;
    }
  };

  return {
    *follow({ nodes, nodeStates }, sources, changed) {
      const concerned = new Set<string>();
      let glances = 0;
      for (const [name, reading] of readings) {
        if (nodes.has(name) && nodeStates.has(name)) continue;
        readings.delete(name);
        failures.delete(name);
        recount(reading, nothing, concerned);
      }
      const changes = { sources, changed, edited: sources.unnamed.filter(({ id }) => changed.has(id)) };
      for (const [name, state] of nodeStates) {
        if (glances >= glancesPerSlice) yield;
        glances = (glances % glancesPerSlice) + 1;
        const node = nodes.get(name);
        const known = readings.get(name);
        if (node === undefined || (known?.state === state && known.node === node && changed.size === 0)) continue;
        const basis = known?.hasFailed ? undefined : known;
        const leftOut = { node, state, ...nothing, hasFailed: true } as const;
        const reading = readOrLeaveOut(name, () => read(node, state, basis, changes), leftOut);
        readings.set(name, reading);
        recount(known ?? nothing, reading, concerned);
        glances += glancesPerReading + itemsOf(state) * glancesPerItem;
      }
      return concerned;
    },
    offersOf: (resource, written) => {
      const inForce = written.filter(declared.isInForce).map(({ isAssumed: _, ...offer }) => offer);
      return exposed.offersOf(resource, mergeOffers([...inForce, ...declared.offersOf(resource)]));
    },
    failures,
  };
}

const nothing = { exposures: [], declared: [] } as const;

/** The current sources, and the keys of those that changed. */
interface SourceChanges {
  readonly sources: DeclaredSources;
  readonly changed: ReadonlySet<SourceKey>;
  /** The changed policies with entries that have no resource name. */
  readonly edited: DeclaredSources['unnamed'];
}

/** Reads a node, reusing the parts that did not change since the last reading. */
function read(
  node: NodeFacts,
  state: MacvtapNetworkNodeState,
  known: Reading | undefined,
  { sources, changed, edited }: SourceChanges,
): Reading {
  const links = readNodeLinks(state);
  const isOther = known?.state !== state;
  const exposures = isOther || dependsOn(state, changed) ? readExposures(state, links, sources) : known.exposures;
  if (isOther || known.node !== node) {
    return { node, state, exposures, declared: findDeclaredResources(node, links, sources.unnamed) };
  }
  const kept = known.declared.filter(({ policy }) => !changed.has(policy));
  return { node, state, exposures, declared: [...kept, ...findDeclaredResources(node, links, edited)] };
}

/** Returns whether a node's state names a source that changed. */
function dependsOn(state: MacvtapNetworkNodeState, changed: ReadonlySet<SourceKey>): boolean {
  return (state.status?.resources ?? []).some(
    ({ source, policy }) =>
      (source === 'explicit' && changed.has(explicitSource)) || (policy !== undefined && changed.has(policy)),
  );
}

/**
 * Returns the resource names whose offers a declared resource affects. If its policy names the interface by an altname,
 * the offer with the altname as its name also changes.
 */
function namesOf({ resource, altName }: DeclaredResource): readonly string[] {
  return altName === undefined ? [resource] : [resource, altName];
}

function isSame(left: readonly (Exposure & Partial<DeclaredResource>)[], right: typeof left): boolean {
  return (
    left.length === right.length &&
    left.every((exposure, index) => isSameExposure(exposure, right[index] as Exposure & Partial<DeclaredResource>))
  );
}

function isSameExposure(
  left: Exposure & Partial<DeclaredResource>,
  right: Exposure & Partial<DeclaredResource>,
): boolean {
  return (
    left === right ||
    (left.resource === right.resource &&
      left.source === right.source &&
      left.policy === right.policy &&
      left.mode === right.mode &&
      left.parent === right.parent &&
      left.quantity === right.quantity &&
      left.mtu === right.mtu &&
      left.altName === right.altName)
  );
}
