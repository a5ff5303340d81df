// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../../cluster/objects/read-object.ts';
import type { Edit } from '../../../policy/json.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type ReviewRequest, reviewRequest } from './admission-request.ts';
import type { ReviewObject } from './review-objects.ts';
import type { ReviewAnswer, ReviewClient } from './send-review.ts';

/** A review whose answer was checked. */
export interface PreparedReview extends ReviewRequest {
  readonly verb: 'mutate' | 'validate';
  readonly uid: string;
  /** The webhook's response, without the uid. */
  readonly response: object;
}

/**
 * Prepares the reviews of created objects, in turn: the mutation of each object, and the validation of the result. Each
 * review is sent once and its answer is checked, so that only correct reviews are measured.
 */
export async function prepareReviews(
  client: ReviewClient,
  objects: readonly ReviewObject[],
): Promise<readonly PreparedReview[]> {
  const reviews: PreparedReview[] = [];
  for (const { object, isPatched } of objects) {
    const mutation = await prepare(client, 'mutate', object, isPatched);
    const made = applyEdits(object, mutation.edits);
    reviews.push(mutation.review, (await prepare(client, 'validate', made, false)).review);
  }
  return reviews;
}

async function prepare(
  client: ReviewClient,
  verb: PreparedReview['verb'],
  object: WrittenObject,
  isPatched: boolean,
): Promise<{ readonly review: PreparedReview; readonly edits: readonly Edit[] }> {
  const request = reviewRequest(verb, object);
  const { uid, response, edits = [] } = expectAllowed(request, await client.send(request), isPatched);
  return { review: { ...request, verb, uid, response }, edits };
}

function expectAllowed({ path, body }: ReviewRequest, answer: ReviewAnswer, isPatched: boolean): ReviewAnswer {
  const isRight = answer.allowed && (answer.edits !== undefined) === isPatched;
  if (!isRight) throw new Error(`${path}: ${JSON.stringify(answer)}; asked: ${body}`);
  return answer;
}
