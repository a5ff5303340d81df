// SPDX-License-Identifier: Apache-2.0
import type { Endpoint } from './admission/judgement.ts';
import { mutateNad, validateNad } from './nad.ts';
import { mutateNodePolicy, validateNodePolicy } from './node-policy.ts';
import { mutatePod, validatePod } from './pod.ts';
import type { ReviewDeps } from './review-deps.ts';

/** Every path of the webhook. */
export function createEndpoints(deps: ReviewDeps): readonly Endpoint[] {
  return [
    mutateNad(deps),
    validateNad(deps),
    mutatePod(deps),
    validatePod(deps),
    mutateNodePolicy(deps),
    validateNodePolicy(deps),
  ];
}
