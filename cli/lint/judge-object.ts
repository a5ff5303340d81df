// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../cluster/objects/apply-edits.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { pathText } from '../../cluster/objects/schema-faults.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { Mutation } from '../../policy/edit.ts';
import { defaultNad } from '../../policy/nad/default-nad.ts';
import { reviewNad } from '../../policy/nad/review-nad.ts';
import type { NadContext, NadObject } from '../../policy/nad/rule.ts';
import { defaultPolicy } from '../../policy/nodepolicy/default-policy.ts';
import { reviewPolicyAdmission } from '../../policy/nodepolicy/review-admission.ts';
import type { Offers } from '../../policy/offers/offers.ts';
import { injectPod } from '../../policy/pod/inject-pod.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import { reviewPod } from '../../policy/pod/review-pod.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { podOf } from './pod-template.ts';

/** What objects are judged by. */
export interface LintContext {
  readonly snapshot: Snapshot;
  readonly offers: Offers;
  /** The installation's namespace. */
  readonly policyNamespace: string;
  /** Where Multus looks for a pod's default network. */
  readonly multusNamespace: string;
  readonly unknownResource: NadContext['unknownResource'];
}

/**
 * Judges an object as admission would: defaults first, then the rules. What makes pods is judged by the pods that it
 * makes. Undefined for an object that no rule is about.
 */
export function judgeObject(value: unknown, context: LintContext): readonly Verdict[] | undefined {
  if (!isRecord(value) || !isRecord(value.metadata)) return undefined;
  const namespace = typeof value.metadata.namespace === 'string' ? value.metadata.namespace : 'default';
  const object = { ...value, metadata: { ...value.metadata, namespace } };
  switch (value.kind) {
    case 'NetworkAttachmentDefinition':
      return judgeNad(object as unknown as NadObject, namespace, context);
    case 'MacvtapNetworkNodePolicy':
      return judgePolicy(object, context);
  }
  const found = podOf(object, namespace);
  if (found === undefined) return undefined;
  const prefix = pathText(found.path);
  return judgePod(found.pod, namespace, context).map((verdict) =>
    prefix === '' ? verdict : { ...verdict, path: `${prefix}.${verdict.path}` },
  );
}

function judgeNad(nad: NadObject, namespace: string, context: LintContext): readonly Verdict[] {
  const { offers, unknownResource, snapshot } = context;
  const facts = { offers, unknownResource, namespaceLabels: snapshot.namespaces.get(namespace) };
  return admit(nad, defaultNad(nad, facts), (made) => reviewNad(made, facts));
}

function judgePod(pod: PodObject, namespace: string, context: LintContext): readonly Verdict[] {
  const { offers, multusNamespace, snapshot } = context;
  const { networks, namespaces } = snapshot;
  const facts = { offers, namespace, namespaceLabels: namespaces.get(namespace), networks, multusNamespace };
  // A pod is judged alike whether it asks for what its networks need or not yet; as it stands, the places are the file's.
  return [...injectPod(pod, facts).verdicts, ...reviewPod(pod, facts)];
}

function judgePolicy(policy: object, { policyNamespace, snapshot }: LintContext): readonly Verdict[] {
  const facts = { policyNamespace, others: snapshot.policies, nodes: snapshot.nodes };
  return admit(policy, defaultPolicy(policy), (made) => reviewPolicyAdmission(made, facts));
}

function admit<Judged extends object>(
  object: Judged,
  { edits, verdicts }: Mutation,
  review: (object: Judged) => readonly Verdict[],
): readonly Verdict[] {
  return [...verdicts, ...review(applyEdits(object, edits))];
}
