// SPDX-License-Identifier: Apache-2.0
import { macvtapNetworkNodePolicyDefaults as defaults } from '../api/macvtap-network-node-policy.ts';
import { isJsonObject } from '../json-object.ts';
import { deny } from '../reasons.ts';
import { checkNamespace } from './check-namespace.ts';
import { findShapeFault } from './find-shape-fault.ts';
import { type Policy, readPolicy, readTime } from './read-policy.ts';
import type { PolicyObject, ReviewContext } from './rule.ts';
import { widenSelection } from './widen-selection.ts';

/** One place where an object differs from the schema: `spec.parentSelector[0].mode`, and what to do. */
export interface SchemaFault {
  readonly path: string;
  readonly detail: string;
}

/** What is told of a place that findShapeFault finds. */
export const shapeDetail =
  'missing, of another type or too long a list; kubectl explain mvnnp.spec tells what belongs there';

/**
 * Reads a policy that the schema refuses: it exposes nothing, but keeps the nodes that it can have meant to the
 * white-list, if it stands where policies count. Emits SchemaFault, PolicyOutsideNamespace.
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

/** Reads whatever an API server sends as a policy: as it is written, or as one that is broken. */
export function readAnyPolicy(object: unknown, context: ReviewContext): Policy {
  const path = findShapeFault(object);
  return path === undefined
    ? readPolicy(object as PolicyObject, context)
    : readBrokenPolicy(object, [{ path, detail: shapeDetail }], context);
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
