// SPDX-License-Identifier: Apache-2.0
import { type Edit, isJsonObject, type Mutation, ownValue, pointer } from '../json.ts';
import { compareText } from '../names.ts';
import { resourcePrefix } from '../plan/resource.ts';
import { addMissing } from './add-missing.ts';
import { checkAmbiguousKeys } from './check-ambiguous-keys.ts';
import { checkNetworks } from './check-networks.ts';
import { countDemand, type Devices } from './count-demand.ts';
import { networksOf } from './parse-networks.ts';
import { annotationOf, isBeingDeleted, type PodObject } from './read-pod.ts';
import type { PodContext } from './rule.ts';

/**
 * Adds the devices that a new pod's networks need but its containers do not request. Records the added devices in an
 * annotation. Warns about networks whose attachment will fail.
 *
 * An existing pod cannot get more devices, so an update changes nothing. Ambiguous keys are denied here, because the
 * validating webhook does not receive pods that request no device.
 */
export function injectPod(pod: PodObject, context: PodContext): Mutation {
  if (context.before !== undefined || isBeingDeleted(pod)) return { edits: [], verdicts: [] };
  const demand = countDemand(networksOf(pod, context), context.networks);
  const { edits, added, before, verdicts } = addMissing(pod, demand);
  return {
    edits: [...edits, ...recordInjected(pod, added, before)],
    verdicts: [...checkAmbiguousKeys(pod, context), ...checkNetworks(pod, context), ...verdicts],
  };
}

/** The annotation that records the devices that the webhook added: `{"macvtap.network.kubevirt.io/dataplane":1}`. */
export const injectedAnnotation = 'macvtap.network.kubevirt.io/injected';

/**
 * Returns the edit that records the added devices in an annotation. The pod may already have this annotation: from an
 * earlier call of the webhook for the same pod, or copied from another pod and therefore possibly wrong. So the old
 * annotation counts only for devices that the container already requested (`before`).
 */
function recordInjected(pod: PodObject, added: Devices, before: Devices): readonly Edit[] {
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

/** Reads the record. An unreadable record is treated as empty and overwritten. */
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

/** Sets an annotation. The map of annotations exists, because an annotation names the pod's networks. */
function addAnnotation(pod: PodObject, key: string, value: string): Edit {
  const op = ownValue(ownValue(ownValue(pod, 'metadata'), 'annotations'), key) === undefined ? 'add' : 'replace';
  return { op, path: pointer('metadata', 'annotations', key), value };
}
