// SPDX-License-Identifier: Apache-2.0
import { readBrokenPolicy } from '../../policy/nodepolicy/read-broken-policy.ts';
import { type Policy, readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { type ObjectFault, type ReadObject, shapeFaults } from './known-object.ts';
import { pathText } from './schema-faults.ts';

/**
 * Reads a policy: its shape by the schema, then what the rules say of it. One with faults, of its metadata too, is read
 * all the same: it exposes nothing, but its nodes are still those that somebody meant to restrict.
 */
export function readPolicyObject(
  id: string,
  object: Record<string, unknown>,
  policyNamespace: string,
  metadataFaults: readonly ObjectFault[] = [],
): ReadObject {
  const kind = 'MacvtapNetworkNodePolicy';
  const faults = [...metadataFaults, ...shapeFaults(kind, object)];
  const value = faults.length > 0 ? readBroken(object, faults, policyNamespace) : readSound(object, policyNamespace);
  const known = { kind, value } as const;
  const ruleFaults = value.faults.filter(({ code }) => code !== 'SchemaFault').map(toObjectFault);
  return value.faults.length === 0 ? { id, known } : { id, known, faults: [...ruleFaults, ...faults] };
}

function readBroken(object: unknown, faults: readonly ObjectFault[], policyNamespace: string): Policy {
  const places = faults.map(({ path, message }) => ({ path: pathText(path), detail: message }));
  return readBrokenPolicy(object, places, { policyNamespace });
}

function readSound(object: Record<string, unknown>, policyNamespace: string): Policy {
  const { metadata, spec } = object as unknown as PolicyObject;
  const placed = { ...metadata, namespace: metadata.namespace ?? 'default' };
  return readPolicy({ metadata: placed, spec }, { policyNamespace });
}

function toObjectFault({ code, path, reason, detail }: Policy['faults'][number]): ObjectFault {
  return { path: parsePath(path), message: `${path}: ${code}: ${reason}: ${detail}` };
}

/** Back from `spec.parentSelector[0].mode` and `spec.nodeSelector.matchLabels[example.com/zone]`. */
function parsePath(path: string): readonly string[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]+)\]/g)].map(([, name, key]) => name ?? key ?? '');
}
