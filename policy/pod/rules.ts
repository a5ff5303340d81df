// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../reasons.ts';
import { checkAmbiguousKeys } from './check-ambiguous-keys.ts';
import { checkDeviceCount } from './check-device-count.ts';
import { checkNamespaceAdmitted } from './check-namespace-admitted.ts';
import { checkNetworks, mayAttach } from './check-networks.ts';
import { checkPassthruMAC } from './check-passthru-mac.ts';
import { checkResourceOffered } from './check-resource-offered.ts';
import { containersIn } from './count-demand.ts';
import { isBeingDeleted, type PodObject } from './read-pod.ts';
import { claimedBy, type PodContext, type PodRule } from './rule.ts';

/**
 * All rules for pods, in the order of their verdicts. The rules that never deny a pod are marked. Fixtures are in
 * test/fixtures/pod/<name>.
 */
export const rules = [
  { name: 'check-ambiguous-keys', rule: checkAmbiguousKeys, onlyWarns: false },
  { name: 'check-namespace-admitted', rule: checkNamespaceAdmitted, onlyWarns: false },
  { name: 'check-resource-offered', rule: checkResourceOffered, onlyWarns: true },
  { name: 'check-device-count', rule: checkDeviceCount, onlyWarns: true },
  { name: 'check-networks', rule: checkNetworks, onlyWarns: true },
  { name: 'check-passthru-mac', rule: checkPassthruMAC, onlyWarns: false },
] as const satisfies readonly { name: string; rule: PodRule; onlyWarns: boolean }[];

const denying = rules.filter(({ onlyWarns }) => !onlyWarns);

/**
 * Returns the verdicts of all rules about a pod. Returns none for a pod that is being deleted.
 *
 * On an update, only new verdicts are returned. The requests of an existing pod cannot be fixed, and its labels and
 * finalizers must remain editable after policies change. A network that is added to the annotation is checked as in a
 * new pod.
 */
export function reviewPod(pod: PodObject, context: PodContext): readonly Verdict[] {
  if (isBeingDeleted(pod)) return [];
  const verdicts = applyRules(pod, context);
  if (context.before === undefined || verdicts.length === 0) return verdicts;
  const before = new Set(applyRules(context.before, context).map(toKey));
  return verdicts.filter((verdict) => !before.has(toKey(verdict)));
}

/** Returns the denials of a pod. Costs less than `reviewPod`, because it skips the rules that never deny. */
export function findDenials(pod: PodObject, context: Omit<PodContext, 'before'>): readonly Verdict[] {
  if (isBeingDeleted(pod)) return [];
  return denying.flatMap(({ rule }) => rule(pod, context)).filter(({ severity }) => severity === 'deny');
}

function applyRules(pod: PodObject, context: PodContext): readonly Verdict[] {
  // Most pods with networks of other vendors end here.
  if (!mayAttach(pod, context) && !asksForDevices(pod, context)) return [];
  return rules.flatMap(({ rule }) => rule(pod, context));
}

function asksForDevices(pod: PodObject, context: PodContext): boolean {
  return containersIn(pod, context).some(({ asks }) => asks.length > 0) || claimedBy(pod, context).length > 0;
}

function toKey({ code, path, detail }: Verdict): string {
  return JSON.stringify([code, path, detail]);
}
