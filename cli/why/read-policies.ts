// SPDX-License-Identifier: Apache-2.0

import { readAnyPolicy } from '../../policy/nodepolicy/read-broken-policy.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Subject } from '../../policy/why/subject.ts';
import type { View } from '../view/view.ts';

/**
 * The policies that count, and those that do not because of where they stand, as far as they may be what is asked about or
 * why nothing is offered. Who may not list them elsewhere is told of none there.
 */
export async function readPolicies(view: View, subject: Subject): Promise<readonly Policy[]> {
  const { policyNamespace, snapshot } = view;
  const isElsewhere = subject.kind === 'policy' && subject.namespace !== policyNamespace;
  if (!isElsewhere) return snapshot.policies;
  const others = await view.list({ kind: 'macvtapnetworknodepolicies', namespace: subject.namespace });
  return [...snapshot.policies, ...(others ?? []).map((object) => readAnyPolicy(object, { policyNamespace }))];
}
