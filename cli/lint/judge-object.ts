// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../cluster/objects/read-object.ts';
import { pathText } from '../../cluster/objects/schema-faults.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { isJsonObject, type Mutation } from '../../policy/json.ts';
import type { NadContext, NadObject } from '../../policy/nad/read-nad.ts';
import { defaultNad, reviewNad } from '../../policy/nad/review-nad.ts';
import { defaultPolicy } from '../../policy/nodepolicy/default-policy.ts';
import { reviewPolicyAdmission } from '../../policy/nodepolicy/review-admission.ts';
import type { Offers } from '../../policy/offers/offers.ts';
import { injectPod } from '../../policy/pod/inject-pod.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import { reviewPod } from '../../policy/pod/rules.ts';
import type { Verdict } from '../../policy/reasons.ts';
import type { Path } from './find-line.ts';

/** The cluster in which objects are checked, and the settings of the check. */
export interface LintContext {
  readonly snapshot: Snapshot;
  readonly offers: Offers;
  /** The installation's namespace. */
  readonly policyNamespace: string;
  /** The namespace in which Multus looks for a pod's default network. */
  readonly multusNamespace: string;
  readonly unknownResource: NadContext['unknownResource'];
}

/**
 * Checks an object like admission: first applies defaults, then the rules. For a workload, checks the pod template.
 * Returns undefined for a kind without rules.
 */
export function judgeObject(value: unknown, context: LintContext): readonly Verdict[] | undefined {
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) return undefined;
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
  // Review the pod without the injected resources, so that the paths of verdicts match the file.
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

/**
 * The path of the pod template in each workload kind of Kubernetes. A pod is its own template, so its path is empty.
 */
const templates: Readonly<Record<string, Path>> = {
  'v1 Pod': [],
  'v1 PodTemplate': ['template'],
  'v1 ReplicationController': ['spec', 'template'],
  'apps/v1 Deployment': ['spec', 'template'],
  'apps/v1 ReplicaSet': ['spec', 'template'],
  'apps/v1 StatefulSet': ['spec', 'template'],
  'apps/v1 DaemonSet': ['spec', 'template'],
  'batch/v1 Job': ['spec', 'template'],
  'batch/v1 CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Returns the pod template of a pod or workload, and its path in the object. Returns undefined for other kinds. */
function podOf(
  object: Readonly<Record<string, unknown>>,
  namespace: string,
): { readonly pod: PodObject; readonly path: Path } | undefined {
  const path = templates[`${object.apiVersion} ${object.kind}`];
  if (path === undefined) return undefined;
  const template = path.reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), object);
  if (!isJsonObject(template)) return undefined;
  const metadata = isJsonObject(template.metadata) ? template.metadata : {};
  return { pod: { ...template, metadata: { ...metadata, namespace } }, path };
}

// The following functions apply the defaults of admission to all objects of the files. Each object can then be checked
// against the other objects as they would be in a cluster.

/** Applies the defaults to a policy. Returns any other object unchanged. */
export function applyPolicyDefaults(value: unknown): unknown {
  if (!isJsonObject(value) || value.kind !== 'MacvtapNetworkNodePolicy') return value;
  return applyEdits(value, defaultPolicy(value).edits);
}

/**
 * Applies the defaults to networks. They add the annotation with the resource of a network, which is needed to check
 * the pods that use the network.
 */
export function applyNetworkDefaults(
  { networks, namespaces }: Pick<Snapshot, 'networks' | 'namespaces'>,
  context: Pick<NadContext, 'offers' | 'unknownResource'>,
): Snapshot['networks'] {
  return new Map(
    [...networks].map(([key, network]) => {
      const namespaceLabels = namespaces.get(network.metadata.namespace);
      const { edits } = defaultNad(network as NadObject, { ...context, namespaceLabels });
      return [key, applyEdits(network, edits)] as const;
    }),
  );
}
