// SPDX-License-Identifier: Apache-2.0
import type { Mutation } from '../edit.ts';
import { addMissing } from './add-missing.ts';
import { checkNetworksAnnotated } from './check-networks-annotated.ts';
import { checkNetworksAnnotation } from './check-networks-annotation.ts';
import { checkNetworksFound } from './check-networks-found.ts';
import { countDemand } from './count-demand.ts';
import { networksOf } from './parse-networks.ts';
import type { PodContext } from './pod-context.ts';
import { isBeingDeleted, type PodObject } from './read-pod.ts';
import { recordInjected } from './record-injected.ts';

/**
 * Adds to a new pod the devices that its networks need and it does not ask for, and records what was added. What stands
 * in the way is told: attaching such a pod then fails, with the reason. A pod that exists cannot be given devices any
 * more, so an update changes nothing.
 */
export function injectPod(pod: PodObject, context: PodContext): Mutation {
  if (context.before !== undefined || isBeingDeleted(pod)) return { edits: [], verdicts: [] };
  const demand = countDemand(networksOf(pod, context), context.networks);
  const { edits, added, before, verdicts } = addMissing(pod, demand);
  return {
    edits: [...edits, ...recordInjected(pod, added, before)],
    verdicts: [
      ...checkNetworksAnnotation(pod, context),
      ...checkNetworksFound(pod, context),
      ...checkNetworksAnnotated(pod, context),
      ...verdicts,
    ],
  };
}
