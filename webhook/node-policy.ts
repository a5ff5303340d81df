// SPDX-License-Identifier: Apache-2.0
import { defaultPolicy, isBeingDeleted } from '../policy/nodepolicy/default-policy.ts';
import { isSameSpec } from '../policy/nodepolicy/is-same-spec.ts';
import { readAnyPolicy } from '../policy/nodepolicy/read-broken-policy.ts';
import { faultsOf, type PolicyAdmissionContext, reviewPolicyAdmission } from '../policy/nodepolicy/review-admission.ts';
import type { AdmissionRequest } from './admission/admission-review.ts';
import { tryMutation } from './admission/json-patch.ts';
import type { Endpoint, Judgement } from './admission/judgement.ts';
import { measureBlast } from './measure-blast.ts';
import type { ReviewDeps } from './review-deps.ts';

const kind = 'MacvtapNetworkNodePolicy';

/** Makes a policy say in full what it means. */
export function mutateNodePolicy(deps: ReviewDeps): Endpoint {
  return {
    path: '/mutate/macvtapnetworknodepolicies',
    kind,
    verb: 'mutate',
    onTrouble: 'refuse',
    judge(request) {
      const { object } = request;
      if (object === undefined) return { verdicts: [] };
      const context = contextOf(request, deps);
      return tryMutation(object, defaultPolicy(object), (made) =>
        isBeingDeleted(made) ? [] : faultsOf(made, context),
      );
    },
  };
}

/** Judges a policy, and tells what a change of it does to the nodes. */
export function validateNodePolicy(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/macvtapnetworknodepolicies',
    kind,
    verb: 'validate',
    onTrouble: 'refuse',
    judge(request, { isDue }) {
      const { object } = request;
      const verdicts = object === undefined ? [] : reviewPolicyAdmission(object, contextOf(request, deps));
      const isRefused = verdicts.some(({ severity }) => severity === 'deny');
      return isRefused || !isChange(request, deps) ? { verdicts } : withBlast(request, verdicts, deps, isDue);
    },
  };
}

/** Whether nodes may expose something else by it: not if only metadata changes, nor where policies do not count. */
function isChange({ namespace, object, oldObject }: AdmissionRequest, { policyNamespace }: ReviewDeps): boolean {
  return namespace === policyNamespace && !(object && oldObject && isSameSpec(object, oldObject));
}

async function withBlast(
  { object, oldObject }: AdmissionRequest,
  verdicts: Judgement['verdicts'],
  deps: ReviewDeps,
  isDue: () => boolean,
): Promise<Judgement> {
  const read = (policy: unknown) => readAnyPolicy(policy, deps);
  const change = { ...(oldObject && { before: read(oldObject) }), ...(object && { after: read(object) }) };
  const { verdicts: consequences, notice } = await measureBlast(change, deps, isDue);
  return { verdicts: [...verdicts, ...consequences], warnings: notice === undefined ? [] : [notice] };
}

function contextOf({ oldObject }: AdmissionRequest, { source, policyNamespace }: ReviewDeps): PolicyAdmissionContext {
  const { policies: others, nodes, namespaces } = source.snapshot;
  return { policyNamespace, others, nodes, namespaces, ...(oldObject !== undefined && { before: oldObject }) };
}
