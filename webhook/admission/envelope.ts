// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
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

/**
 * Everything around a judgement: decode, dispatch, recover, respond. Whatever the body is and whatever the endpoint does,
 * there is an answer, and it never throws.
 */
export async function review(
  endpoint: Endpoint,
  body: unknown,
  deadlines: Deadlines,
  context: EnvelopeContext,
): Promise<Reviewed> {
  const decoded = decodeReview(body, endpoint.kind);
  if (decoded.request === undefined) {
    const { fault, uid } = decoded;
    context.recorder.review(endpoint, 'malformed');
    context.log.warn({ path: endpoint.path, uid, fault }, 'a review cannot be read');
    return uid === undefined ? { fault } : { answer: withoutJudgement(endpoint, uid, { code: 400, message: fault }) };
  }
  const { request } = decoded;
  try {
    const judged = isOutOfScope(request) ? nothingToSay : await endpoint.judge(request, deadlines);
    return { answer: respond(endpoint, request, judged, context) };
  } catch (thrown) {
    return { answer: recover(endpoint, request, MacvtapError.from(thrown), context) };
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
  { recorder, log }: EnvelopeContext,
): AdmissionAnswer {
  const denials = verdicts.filter(({ severity }) => severity === 'deny');
  const told = [...warnings, ...verdicts.filter(({ severity }) => severity === 'warn').map(verdictText)];
  if (denials.length > 0) {
    recorder.review(endpoint, 'denied');
    log.info({ ...fieldsOf(endpoint, request), codes: denials.map(({ code }) => code) }, 'denied');
    return denied(request, denials, told);
  }
  recorder.review(endpoint, edits.length > 0 ? 'patched' : 'allowed');
  return edits.length > 0 ? patched(request.uid, edits, told) : allowed(request.uid, told);
}

/** No judgement: by a look-up that failed, which passes, or by a bug, which is counted and told with its stack. */
function recover(
  endpoint: Endpoint,
  request: AdmissionRequest,
  error: MacvtapError,
  { recorder, log }: EnvelopeContext,
): AdmissionAnswer {
  const fields = { ...fieldsOf(endpoint, request), error };
  const isBug = error.code !== 'LookupFailed';
  if (isBug) {
    recorder.bug(endpoint);
    log.error(fields, 'a review failed by a bug');
  } else {
    log.warn(fields, 'a review could not look up what it needs');
  }
  recorder.review(endpoint, 'errored');
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

function fieldsOf(endpoint: Endpoint, { uid, operation, namespace, name }: AdmissionRequest) {
  return { path: endpoint.path, uid, operation, object: { namespace, name } };
}
