// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import type { AnswerFrame, FailedRequestListener, RequestFrame } from './handle-request.ts';
import { type RequestFacts, readRequestFacts } from './request-facts.ts';

/** A request that was answered: what it was about, and what came of it. */
export interface AnsweredRequest extends RequestFacts {
  readonly durationMs: number;
  /** Absent after a success. */
  readonly failure?: RequestFailure;
}

/** Why a request was answered with an error. */
interface RequestFailure {
  /** CNI's, as it was printed. */
  readonly code: number;
  /** What the request was about, in words. */
  readonly operation: string;
  readonly error: MacvtapError;
  /** Absent where it could not be read. */
  readonly environment?: CNIEnvironment;
}

/** Has a request handled, and tells of it. `handle` calls the listener when it answers with an error. */
export async function observeRequest(
  request: Pick<RequestFrame, 'environment' | 'stdin'>,
  handle: (onFailure: FailedRequestListener) => Promise<AnswerFrame>,
  onAnswered: (request: AnsweredRequest) => void,
): Promise<AnswerFrame> {
  const startMs = performance.now();
  let failed: Omit<RequestFailure, 'code'> | undefined;
  const answer = await handle((operation, error, environment) => {
    failed = { operation, error, ...(environment && { environment }) };
  });
  const durationMs = performance.now() - startMs;
  const facts = readRequestFacts(request.environment, request.stdin);
  onAnswered({ ...facts, durationMs, ...(failed && { failure: { ...failed, code: readCode(answer) } }) });
  return answer;
}

/** Of what `toCNIError` made. */
function readCode({ output }: AnswerFrame): number {
  const { code } = JSON.parse(output) as { readonly code: number };
  return code;
}
