// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../reasons.ts';
import type { PodContext } from './pod-context.ts';
import { isBeingDeleted, type PodObject } from './read-pod.ts';
import { rules } from './rules.ts';

/**
 * Everything that the rules find in a pod, in their order. Of an update only what it brings in counts: what a running
 * pod asks for cannot be mended any more, and its labels and finalizers must stay writable whatever policies say by
 * now; a network that is added to its annotation is judged like one of a new pod. A pod that is being deleted passes.
 */
export function reviewPod(pod: PodObject, context: PodContext): readonly Verdict[] {
  if (isBeingDeleted(pod)) return [];
  const verdicts = applyRules(pod, context);
  if (context.before === undefined || verdicts.length === 0) return verdicts;
  const before = new Set(applyRules(context.before, context).map(toKey));
  return verdicts.filter((verdict) => !before.has(toKey(verdict)));
}

function applyRules(pod: PodObject, context: PodContext): readonly Verdict[] {
  return rules.flatMap(({ rule }) => rule(pod, context));
}

function toKey({ code, path, detail }: Verdict): string {
  return JSON.stringify([code, path, detail]);
}
