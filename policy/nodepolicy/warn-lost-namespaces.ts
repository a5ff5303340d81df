// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';
import { admits } from '../offers/policies-governing.ts';
import { count, listNames, type PolicyWarning, warnBriefly } from './warning.ts';

/**
 * Warns if an edit of the namespaceSelector excludes namespaces that can use the policy's resources now. Running pods
 * keep their devices, but recreated pods are rejected.
 *
 * Reads spec.namespaceSelector of the old and the new policy, and the labels of all known namespaces. Ignores an old
 * policy with errors, because it had no effect. Emits NamespacesLost.
 */
export const warnLostNamespaces: PolicyWarning = (policy, { earlier, namespaces = new Map() }) => {
  if (earlier === undefined || earlier.faults.length > 0) return [];
  const lost = [...namespaces]
    .filter(([, labels]) => admits(earlier, labels) && !admits(policy, labels))
    .map(([name]) => name);
  if (lost.length === 0) return [];
  const detail = `${count(lost.length, 'namespace')} of ${namespaces.size}: ${listNames(lost.sort(compareNatural))}`;
  return [warnBriefly('NamespacesLost', 'spec.namespaceSelector', detail)];
};
