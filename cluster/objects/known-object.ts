// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../../policy/plan/from-explicit.ts';
import type { Labels, NodeFacts } from '../../policy/plan/match-labels.ts';
import { emptySnapshot, type NetworkAttachmentDefinition, type Snapshot } from '../source.ts';
import type { CrdKind } from './crd-schema.ts';
import { schemaFaults } from './schema-faults.ts';

/** A Kubernetes object that the program reads, reduced to the facts that it uses. */
export type KnownObject =
  | { readonly kind: 'Node'; readonly value: NodeFacts }
  | { readonly kind: 'Namespace'; readonly name: string; readonly value: Labels }
  | { readonly kind: 'MacvtapNetworkNodePolicy'; readonly value: Policy }
  | { readonly kind: 'MacvtapNetworkNodeState'; readonly name: string; readonly value: MacvtapNetworkNodeState }
  | LeftOutState
  | { readonly kind: 'NetworkAttachmentDefinition'; readonly value: NetworkAttachmentDefinition }
  | { readonly kind: 'ConfigMap'; readonly value: ExplicitConfig };

/**
 * A node state that is left out, with the reason. Its node counts as a node without a report. An older state is not
 * used instead, because the node would then seem unchanged.
 */
interface LeftOutState {
  readonly kind: 'MacvtapNetworkNodeState';
  readonly name: string;
  readonly leftOut: string;
}

/** An error in an object, with the path of the field if the path is known. */
export interface ObjectFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** As in SourceFault. */
  readonly explicit?: string;
}

/**
 * The result of reading an object: its meaning, its errors, or both. It is undefined for a kind that is not read. An
 * object has both a meaning and errors if an API server accepts it but its content is invalid.
 */
export type ReadObject =
  | { readonly id: string; readonly known: KnownObject; readonly faults?: readonly ObjectFault[] }
  | { readonly id: string; readonly known?: undefined; readonly faults: readonly ObjectFault[] }
  | undefined;

/** Creates an error whose message starts with the field path. */
export function fault(path: readonly string[], message: string): ObjectFault {
  return { path, message: path.length === 0 ? message : `${path.join('.')}: ${message}` };
}

/** Returns an error for each violation of the schema of the object's CRD. */
export function shapeFaults(kind: CrdKind, object: unknown): readonly ObjectFault[] {
  return schemaFaults(kind, object).map(({ path, text, message }) => ({
    path,
    message: text === '' ? message : `${text}: ${message}`,
  }));
}

/** Returns all objects of a kind. If it returns undefined, the previous objects stay. */
export type ObjectsOf = <Of extends KnownObject['kind']>(kind: Of) => readonly KnownOfKind<Of>[] | undefined;

type KnownOfKind<Of extends KnownObject['kind']> = Extract<KnownObject, { kind: Of }>;

/** Builds a snapshot from objects. Each object must occur once. */
export function toSnapshot(objects: readonly KnownObject[]): Snapshot {
  return updateSnapshot(emptySnapshot, <Of extends KnownObject['kind']>(kind: Of) =>
    objects.filter((object): object is KnownOfKind<Of> => object.kind === kind),
  );
}

/**
 * Returns a snapshot in which the objects of some kinds are replaced. For all other kinds, it shares the maps of
 * `before`.
 */
export function updateSnapshot(before: Snapshot, objectsOf: ObjectsOf): Snapshot {
  const nodes = objectsOf('Node');
  const namespaces = objectsOf('Namespace');
  const policies = objectsOf('MacvtapNetworkNodePolicy');
  const networks = objectsOf('NetworkAttachmentDefinition');
  const states = objectsOf('MacvtapNetworkNodeState');
  const configMaps = objectsOf('ConfigMap');
  return {
    nodes: nodes ? new Map(nodes.map(({ value }) => [value.name, value])) : before.nodes,
    namespaces: namespaces ? new Map(namespaces.map(({ name, value }) => [name, value])) : before.namespaces,
    policies: policies ? policies.map(({ value }) => value) : before.policies,
    networks: networks ? new Map(networks.map(({ value }) => [keyOf(value), value])) : before.networks,
    ...(states ? splitStates(states) : { nodeStates: before.nodeStates, leftOut: before.leftOut }),
    explicit: configMaps ? configMaps[0]?.value : before.explicit,
  };
}

function keyOf({ metadata: { namespace, name } }: NetworkAttachmentDefinition): string {
  return `${namespace}/${name}`;
}

/** Separates the valid node states from those that are left out. */
function splitStates(
  states: readonly KnownOfKind<'MacvtapNetworkNodeState'>[],
): Pick<Snapshot, 'nodeStates' | 'leftOut'> {
  const nodeStates = new Map<string, MacvtapNetworkNodeState>();
  const leftOut = new Map<string, string>();
  for (const state of states) {
    if ('value' in state) nodeStates.set(state.name, state.value);
    else leftOut.set(state.name, state.leftOut);
  }
  return { nodeStates, leftOut };
}
