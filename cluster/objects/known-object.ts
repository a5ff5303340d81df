// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import type { NodeFacts } from '../../policy/plan/match-node.ts';
import type { ExplicitConfig } from '../../policy/plan/read-explicit.ts';
import type { NetworkAttachmentDefinition } from '../snapshot.ts';
import type { CrdKind } from './crd-schema.ts';
import { schemaFaults } from './schema-faults.ts';

/** An object that some part of the program reads. */
export type KnownObject =
  | { readonly kind: 'Node'; readonly value: NodeFacts }
  | { readonly kind: 'Namespace'; readonly name: string; readonly value: Labels }
  | { readonly kind: 'MacvtapNetworkNodePolicy'; readonly value: Policy }
  | { readonly kind: 'MacvtapNetworkNodeState'; readonly name: string; readonly value: MacvtapNetworkNodeState }
  | { readonly kind: 'NetworkAttachmentDefinition'; readonly value: NetworkAttachmentDefinition }
  | { readonly kind: 'ConfigMap'; readonly value: ExplicitConfig };

/** What is wrong with an object, with the place inside it where one is known. */
export interface ObjectFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * An object read, refused, or of no interest (a kind that nothing here reads). One that an API server would take, but
 * that means nothing sensible, is both read and faulty.
 */
export type ReadObject =
  | { readonly id: string; readonly known: KnownObject; readonly faults?: readonly ObjectFault[] }
  | { readonly id: string; readonly known?: undefined; readonly faults: readonly ObjectFault[] }
  | undefined;

/** A fault at a place, which the message then begins with. */
export function fault(path: readonly string[], message: string): ObjectFault {
  return { path, message: path.length === 0 ? message : `${path.join('.')}: ${message}` };
}

/** Where an object of ours differs from its schema. */
export function shapeFaults(kind: CrdKind, object: unknown): readonly ObjectFault[] {
  return schemaFaults(kind, object).map(({ path, text, message }) => ({
    path,
    message: text === '' ? message : `${text}: ${message}`,
  }));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
