// SPDX-License-Identifier: Apache-2.0
import type { AnswerFrame, RequestFrame } from './handle-request.ts';
import { type RequestFacts, readRequestFacts } from './request-facts.ts';

/** A request that was answered: what it was about, and what came of it. */
export interface AnsweredRequest extends RequestFacts {
  readonly durationMs: number;
  /** Absent after a success; CNI's code, as it was printed. */
  readonly error?: { readonly code: number };
}

/** Has a request handled, and tells of it. */
export async function observeRequest(
  request: Pick<RequestFrame, 'environment' | 'stdin'>,
  handle: () => Promise<AnswerFrame>,
  onAnswered: (request: AnsweredRequest) => void,
): Promise<AnswerFrame> {
  const startMs = performance.now();
  const answer = await handle();
  const durationMs = performance.now() - startMs;
  const facts = readRequestFacts(request.environment, request.stdin);
  onAnswered({ ...facts, durationMs, ...(answer.exitCode !== 0 && { error: readError(answer) }) });
  return answer;
}

/** What `toCNIError` made. */
function readError({ output }: AnswerFrame): { readonly code: number } {
  const { code } = JSON.parse(output) as { readonly code: number };
  return { code };
}
