// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../../cluster/objects/read-object.ts';
import { type ReviewRequest, reviewRequest } from './admission-request.ts';
import type { ReviewObject } from './review-objects.ts';
import type { ReviewAnswer, ReviewClient } from './send-review.ts';

/**
 * Prepares the reviews of created objects, in turn: the mutation of each object, and the validation of the result. Each
 * review is sent once and its answer is checked, so that only correct reviews are measured.
 */
export async function prepareReviews(
  client: ReviewClient,
  objects: readonly ReviewObject[],
): Promise<readonly ReviewRequest[]> {
  const requests: ReviewRequest[] = [];
  for (const { object, isPatched } of objects) {
    const mutation = reviewRequest('mutate', object);
    const { edits = [] } = expectAllowed(mutation, await client.send(mutation), isPatched);
    const validation = reviewRequest('validate', applyEdits(object, edits));
    expectAllowed(validation, await client.send(validation), false);
    requests.push(mutation, validation);
  }
  return requests;
}

function expectAllowed({ path, body }: ReviewRequest, answer: ReviewAnswer, isPatched: boolean): ReviewAnswer {
  const isRight = answer.allowed && (answer.edits !== undefined) === isPatched;
  if (!isRight) throw new Error(`${path}: ${JSON.stringify(answer)}; asked: ${body}`);
  return answer;
}
