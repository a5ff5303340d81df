// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { type Log, roundMs } from '../../runtime/log.ts';
import type { Deadlines } from '../read-deadlines.ts';
import type { ReviewRecorder } from '../record-reviews.ts';
import type { AdmissionAnswer, AdmissionRequest } from './admission-review.ts';
import { decodeReview } from './decode-review.ts';
import type { Endpoint, Judgement } from './judgement.ts';
import { allowed, denied, errored, patched, type Trouble, verdictText } from './responses.ts';

export interface EnvelopeContext {
  readonly recorder: ReviewRecorder;
  readonly log: Log;
}

/** An answer for the API server, or what is wrong with a body out of which not even a uid can be read. */
export type Reviewed = { readonly answer: AdmissionAnswer } | { readonly fault: string };

/** A request as it came. */
interface Arrival {
  /** Parsed, whatever it is. */
  readonly body: unknown;
  /** As performance.now() said. */
  readonly arrivedMs: number;
}

/**
 * Everything around a judgement: decode, dispatch, recover, respond. Whatever the body is and whatever the endpoint does,
 * there is an answer, and it never throws.
 */
export async function review(
  endpoint: Endpoint,
  { body, arrivedMs }: Arrival,
  deadlines: Deadlines,
  context: EnvelopeContext,
): Promise<Reviewed> {
  const took = () => performance.now() - arrivedMs;
  const decoded = decodeReview(body, endpoint.kind);
  if (decoded.request === undefined) {
    const { fault, uid } = decoded;
    const durationMs = took();
    context.recorder.review(endpoint, { outcome: 'malformed', durationMs });
    context.log.warn({ path: endpoint.path, uid, durationMs: roundMs(durationMs), fault }, 'a review cannot be read');
    return uid === undefined ? { fault } : { answer: withoutJudgement(endpoint, uid, { code: 400, message: fault }) };
  }
  const { request } = decoded;
  try {
    const judged = isOutOfScope(request) ? nothingToSay : await endpoint.judge(request, deadlines);
    return { answer: respond(endpoint, request, judged, took, context) };
  } catch (thrown) {
    return { answer: recover(endpoint, request, MacvtapError.from(thrown), took, context) };
  }
}

const nothingToSay: Judgement = { verdicts: [] };

/**
 * A status or an ephemeral container is not what the rules are about, and an object that is being deleted only waits for
 * its finalizers: refusing their removal would keep it for ever.
 */
function isOutOfScope({ operation, subResource, object }: AdmissionRequest): boolean {
  if (subResource !== undefined || operation === 'CONNECT') return true;
  return operation === 'UPDATE' && typeof object?.metadata.deletionTimestamp === 'string';
}

function respond(
  endpoint: Endpoint,
  request: AdmissionRequest,
  { verdicts, edits = [], warnings = [] }: Judgement,
  took: () => number,
  { recorder, log }: EnvelopeContext,
): AdmissionAnswer {
  const { operation } = request;
  const denials = verdicts.filter(({ severity }) => severity === 'deny');
  const told = [...warnings, ...verdicts.filter(({ severity }) => severity === 'warn').map(verdictText)];
  const isPatched = edits.length > 0;
  const outcome = denials.length > 0 ? 'denied' : isPatched ? 'patched' : 'allowed';
  const durationMs = took();
  recorder.review(endpoint, { outcome, operation, durationMs });
  if (outcome === 'denied') {
    const codes = new Set(denials.map(({ code }) => code));
    recorder.denial(endpoint, codes);
    log.info({ ...fieldsOf(endpoint, request, durationMs), codes: [...codes] }, 'denied');
    return denied(request, denials, told);
  }
  // Of thousands a second nobody reads what became of each, unless he wants to.
  log.debug({ ...fieldsOf(endpoint, request, durationMs), warnings: told.length }, outcome);
  return isPatched ? patched(request.uid, edits, told) : allowed(request.uid, told);
}

/** No judgement: by a look-up that failed, which passes, or by a bug, which is counted and told with its stack. */
function recover(
  endpoint: Endpoint,
  request: AdmissionRequest,
  error: MacvtapError,
  took: () => number,
  { recorder, log }: EnvelopeContext,
): AdmissionAnswer {
  const durationMs = took();
  const fields = { ...fieldsOf(endpoint, request, durationMs), error };
  const isBug = error.code !== 'LookupFailed';
  if (isBug) {
    recorder.bug(endpoint);
    log.error(fields, 'a review failed by a bug');
  } else {
    log.warn(fields, 'a review could not look up what it needs');
  }
  recorder.review(endpoint, { outcome: 'errored', operation: request.operation, durationMs });
  const message = isBug
    ? `${error.code}: ${endpoint.verb} failed by a bug of kube-macvtap: ${error.message}; see the webhook's log`
    : `${error.code}: ${error.message}`;
  return withoutJudgement(endpoint, request.uid, { code: isBug ? 500 : 503, message });
}

/** What becomes of an object that nobody could judge: the endpoint says. */
function withoutJudgement({ onTrouble }: Endpoint, uid: string, trouble: Trouble): AdmissionAnswer {
  return onTrouble === 'pass'
    ? allowed(uid, [`${trouble.message}; the object passes unchanged`])
    : errored(uid, trouble);
}

function fieldsOf(endpoint: Endpoint, { uid, operation, namespace, name }: AdmissionRequest, durationMs: number) {
  return { path: endpoint.path, uid, operation, object: { namespace, name }, durationMs: roundMs(durationMs) };
}
