// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../../policy/api/macvtap-network-node-policy.ts';
import { readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { type ReadObject, shapeFaults } from './known-object.ts';

/** Reads a policy: its shape by the schema, then what the rules say of it. */
export function readPolicyObject(id: string, object: Record<string, unknown>, policyNamespace: string): ReadObject {
  const kind = 'MacvtapNetworkNodePolicy';
  const faults = shapeFaults(kind, object);
  if (faults.length > 0) return { id, faults };
  const { metadata, spec } = object as unknown as MacvtapNetworkNodePolicy & { metadata: PolicyObject['metadata'] };
  const policy = readPolicy(
    { metadata: { ...metadata, namespace: metadata.namespace ?? 'default' }, spec },
    { policyNamespace },
  );
  const known = { kind, value: policy } as const;
  if (policy.faults.length === 0) return { id, known };
  // It exposes nothing, but its nodes are still those that somebody meant to restrict.
  const ruleFaults = policy.faults.map(({ code, path, reason, detail }) => ({
    path: parsePath(path),
    message: `${path}: ${code}: ${reason}: ${detail}`,
  }));
  return { id, known, faults: ruleFaults };
}

/** Back from `spec.parentSelector[0].mode` and `spec.nodeSelector.matchLabels[example.com/zone]`. */
function parsePath(path: string): readonly string[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]+)\]/g)].map(([, name, key]) => name ?? key ?? '');
}
