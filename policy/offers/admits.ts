// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { type Labels, matchLabels } from '../plan/match-labels.ts';

/**
 * Whether pods of a namespace with these labels may use what a policy offers: its namespaceSelector, where an absent or
 * empty one admits all. A namespace whose labels are unknown is admitted by such a one only.
 */
export function admits({ namespaces }: Policy, labels: Labels | undefined): boolean {
  return namespaces.length === 0 || (labels !== undefined && matchLabels(labels, namespaces));
}
