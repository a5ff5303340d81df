// SPDX-License-Identifier: Apache-2.0
import { explicitConfigMap, readExplicit } from '../../policy/plan/read-explicit.ts';
import { fault, isRecord, type ReadObject } from './known-object.ts';

/** Only upstream's config map, in the installation's namespace, means anything here. */
export function readConfigMap(
  id: string,
  object: Record<string, unknown>,
  { name, namespace = 'default' }: { readonly name: string; readonly namespace?: string },
  policyNamespace: string,
): ReadObject {
  if (name !== explicitConfigMap.name || namespace !== policyNamespace) return undefined;
  const text = isRecord(object.data) ? (object.data[explicitConfigMap.key] ?? '') : '';
  const path = ['data', explicitConfigMap.key];
  if (typeof text !== 'string') return { id, faults: [fault(path, 'no text; write the JSON list in quotes')] };
  const config = readExplicit(text);
  const known = { kind: 'ConfigMap', value: config } as const;
  if (!('fault' in config)) return { id, known };
  return { id, known, faults: [fault(path, `${config.fault}; write [{"name": …, "lowerDevice": …}]`)] };
}
