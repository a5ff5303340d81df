// SPDX-License-Identifier: Apache-2.0
import { injectPod } from '../policy/pod/inject-pod.ts';
import { networksOf } from '../policy/pod/parse-networks.ts';
import type { PodContext } from '../policy/pod/pod-context.ts';
import type { PodObject } from '../policy/pod/read-pod.ts';
import { reviewPod } from '../policy/pod/review-pod.ts';
import type { AdmissionRequest } from './admission/admission-review.ts';
import { tryMutation } from './admission/json-patch.ts';
import type { Endpoint } from './admission/judgement.ts';
import { findNetworks, type Networks } from './find-networks.ts';
import { cachedFacts, type Facts, liveFacts, mayTurn } from './known-facts.ts';
import type { ReviewDeps } from './review-deps.ts';

const kind = 'Pod';

/** Gives a pod the devices that its networks need. Without I/O, unless a network is new or names no resource. */
export function mutatePod(deps: ReviewDeps): Endpoint {
  return {
    path: '/mutate/pods',
    kind,
    verb: 'mutate',
    // An uninjected pod fails loudly where its link is made, with the reason; a pod that is refused may be anybody's.
    onTrouble: 'pass',
    judge(request, { lookups }) {
      const { object: pod, namespace } = request;
      if (pod === undefined) return { verdicts: [] };
      return withNetworks(pod, namespace, deps, lookups, (networks) => {
        const context = contextOf(request, cachedFacts(deps, namespace), networks, deps);
        return tryMutation<PodObject>(pod, injectPod(pod, context), (made) => reviewPod(made, context));
      });
    },
  };
}

/** Judges a pod. Without I/O, unless a network is new or what is known speaks against the pod. */
export function validatePod(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/pods',
    kind,
    verb: 'validate',
    onTrouble: 'refuse',
    judge(request, { lookups }) {
      const { object: pod, namespace } = request;
      if (pod === undefined) return { verdicts: [] };
      return withNetworks(pod, namespace, deps, lookups, (networks) => {
        const verdicts = reviewPod(pod, contextOf(request, cachedFacts(deps, namespace), networks, deps));
        if (!mayTurn(verdicts)) return { verdicts };
        return liveFacts(deps, namespace, lookups()).then((facts) => ({
          verdicts: reviewPod(pod, contextOf(request, facts, networks, deps)),
        }));
      });
    },
  };
}

/** Without a promise where nothing is to be waited for. */
function withNetworks<Result>(
  pod: PodObject,
  namespace: string,
  deps: ReviewDeps,
  deadline: () => AbortSignal,
  judge: (networks: Networks) => Result | Promise<Result>,
): Result | Promise<Result> {
  const { multusNamespace } = deps;
  const networks = findNetworks(networksOf(pod, { namespace, multusNamespace }), deps, deadline);
  return networks instanceof Promise ? networks.then(judge) : judge(networks);
}

function contextOf(
  { namespace, oldObject }: AdmissionRequest,
  facts: Facts,
  networks: Networks,
  { multusNamespace }: ReviewDeps,
): PodContext {
  return { ...facts, namespace, multusNamespace, networks, ...(oldObject !== undefined && { before: oldObject }) };
}
