// SPDX-License-Identifier: Apache-2.0
import { admits } from '../offers/admits.ts';
import { compareNatural } from '../plan/natural-order.ts';
import { count, listNames, warnBriefly } from './brief-text.ts';
import type { PolicyWarning } from './policy-warning.ts';

/**
 * An edit that narrows the namespaceSelector takes the policy's resources from namespaces that may use them now: their
 * pods run on, and are refused when they are made anew.
 *
 * Reads spec.namespaceSelector of an edited policy and of the one before, which counted only if it had no faults, and the
 * labels of the namespaces that are known. Emits NamespacesLost.
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
