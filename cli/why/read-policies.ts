// SPDX-License-Identifier: Apache-2.0

import { readAnyPolicy } from '../../policy/nodepolicy/read-broken-policy.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Subject } from '../../policy/why/subject.ts';
import type { View } from '../view/view.ts';

/** The policies that count and, where one elsewhere is asked about, those of its namespace. */
export async function readPolicies(view: View, subject: Subject): Promise<readonly Policy[]> {
  const { policyNamespace, snapshot } = view;
  const isElsewhere = subject.kind === 'policy' && subject.namespace !== policyNamespace;
  return isElsewhere ? [...snapshot.policies, ...(await readStrays(view, subject.namespace))] : snapshot.policies;
}

/** Policies that do not count because of where they stand: in one namespace, or in all. */
export async function readStrays({ list, policyNamespace }: View, namespace?: string): Promise<readonly Policy[]> {
  const objects = await list({ kind: 'macvtapnetworknodepolicies', ...(namespace !== undefined && { namespace }) });
  return (objects ?? [])
    .filter(({ metadata }) => metadata.namespace !== policyNamespace)
    .map((object) => readAnyPolicy(object, { policyNamespace }));
}
