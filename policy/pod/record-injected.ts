// SPDX-License-Identifier: Apache-2.0
import { type Edit, pointer } from '../edit.ts';
import { isJsonObject, ownValue } from '../json-object.ts';
import { compareText } from '../plan/natural-order.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import type { Devices } from './count-demand.ts';
import { annotationOf, type PodObject } from './read-pod.ts';

/** Tells a person what the webhook added: `{"macvtap.network.kubevirt.io/dataplane":1}`. */
export const injectedAnnotation = 'macvtap.network.kubevirt.io/injected';

/**
 * Records what was added to a container, on top of what an earlier pass of the same admission did. An older record, as
 * a copied pod brings it along, counts only as far as the container still asked for it `before` this pass.
 */
export function recordInjected(pod: PodObject, added: Devices, before: Devices): readonly Edit[] {
  if (added.size === 0) return [];
  const earlier = readRecord(annotationOf(pod, injectedAnnotation));
  const names = [...new Set([...earlier.keys(), ...added.keys()])].sort(compareText);
  const counts = names.map((name) => {
    const kept = Math.min(earlier.get(name) ?? 0, before.get(name) ?? 0);
    return [`${resourcePrefix}${name}`, kept + (added.get(name) ?? 0)] as const;
  });
  const record = Object.fromEntries(counts.filter(([, count]) => count > 0));
  return [addAnnotation(pod, injectedAnnotation, JSON.stringify(record))];
}

/** What is no record of ours counts as none, and is written over. */
function readRecord(text: string | undefined): Devices {
  let record: unknown;
  try {
    record = JSON.parse(text ?? '{}');
  } catch {
    return new Map();
  }
  const entries = isJsonObject(record) ? Object.entries(record) : [];
  return new Map(
    entries.flatMap(([key, count]) =>
      key.startsWith(resourcePrefix) && typeof count === 'number' && count > 0
        ? [[key.slice(resourcePrefix.length), Math.floor(count)] as const]
        : [],
    ),
  );
}

/** The pod has annotations, since one of them named its networks. */
function addAnnotation(pod: PodObject, key: string, value: string): Edit {
  const op = ownValue(ownValue(ownValue(pod, 'metadata'), 'annotations'), key) === undefined ? 'add' : 'replace';
  return { op, path: pointer('metadata', 'annotations', key), value };
}
