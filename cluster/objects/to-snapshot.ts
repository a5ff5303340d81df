// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../snapshot.ts';
import type { KnownObject } from './known-object.ts';

/** Objects, each of which is there once, as one cluster. */
export function toSnapshot(objects: readonly KnownObject[]): Snapshot {
  const ofKind = <Kind extends KnownObject['kind']>(kind: Kind) =>
    objects.filter((object): object is Extract<KnownObject, { kind: Kind }> => object.kind === kind);
  return {
    nodes: new Map(ofKind('Node').map(({ value }) => [value.name, value])),
    namespaces: new Map(ofKind('Namespace').map(({ name, value }) => [name, value])),
    policies: ofKind('MacvtapNetworkNodePolicy').map(({ value }) => value),
    networks: new Map(
      ofKind('NetworkAttachmentDefinition').map(({ value }) => [
        `${value.metadata.namespace}/${value.metadata.name}`,
        value,
      ]),
    ),
    nodeStates: new Map(ofKind('MacvtapNetworkNodeState').map(({ name, value }) => [name, value])),
    explicit: ofKind('ConfigMap')[0]?.value,
  };
}
