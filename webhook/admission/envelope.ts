// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { type Log, roundMs } from '../../runtime/log.ts';
import type { WebhookRecorder } from '../telemetry/webhook-metrics.ts';
import { type AdmissionAnswer, type AdmissionRequest, decodeReview } from './admission-review.ts';
import type { Endpoint, RequestContext, ReviewResult } from './endpoint.ts';
import { allowed, denied, errored, patched, type ReviewFailure, verdictText } from './responses.ts';

export interface ReviewTelemetry {
  readonly recorder: WebhookRecorder;
  readonly log: Log;
}

/** The query of an API server's request: a Go duration in which no character is escaped. */
const usualQuery = /^timeout=([0-9a-z.]{1,32})$/;

/**
 * Finds the endpoint and the timeout of a request. Returns undefined if the request is not a review. Also returns
 * undefined if the path or the query is written in a way that an API server does not use, for example with escapes.
 *
 * @example findReview({ method: 'POST', url: '/mutate/pods?timeout=10s' }, endpoints) // { endpoint, timeout: '10s' }
 */
export function findReview(
  { method, url = '' }: { readonly method?: string | undefined; readonly url?: string | undefined },
  endpoints: ReadonlyMap<string, Endpoint>,
): { readonly endpoint: Endpoint; readonly timeout: string | undefined } | undefined {
  if (method !== 'POST') return undefined;
  const mark = url.indexOf('?');
  const endpoint = endpoints.get(mark < 0 ? url : url.slice(0, mark));
  if (endpoint === undefined || mark < 0) return endpoint && { endpoint, timeout: undefined };
  const query = url.slice(mark + 1);
  const timeout = usualQuery.exec(query)?.[1];
  return timeout === undefined ? undefined : { endpoint, timeout };
}

/** An answer for the API server, or the error if the body has no readable uid. */
export type Reviewed = { readonly answer: AdmissionAnswer } | { readonly fault: string };

/** A request as it arrived. */
interface Arrival {
  /** The parsed JSON, of any type. */
  readonly body: unknown;
  /** On the clock of performance.now(). */
  readonly arrivedMs: number;
}

/**
 * Handles one admission request. Never throws or rejects: every body and every error of the endpoint leads to a result.
 * Returns a promise only if the endpoint does, because most reviews cause no I/O.
 */
export function review(
  endpoint: Endpoint,
  { body, arrivedMs }: Arrival,
  context: RequestContext,
  telemetry: ReviewTelemetry,
): Reviewed | Promise<Reviewed> {
  const took = () => performance.now() - arrivedMs;
  const decoded = decodeReview(body, endpoint.kind);
  if (decoded.request === undefined) {
    const { fault, uid } = decoded;
    const durationMs = took();
    telemetry.recorder.review(endpoint, { outcome: 'malformed', durationMs });
    telemetry.log.warn(
      { path: endpoint.path, uid, durationMs: roundMs(durationMs), fault },
      'an admission request cannot be read',
    );
    return uid === undefined ? { fault } : { answer: answerFailure(endpoint, uid, { code: 400, message: fault }) };
  }
  const { request } = decoded;
  const succeed = (result: ReviewResult): Reviewed => ({ answer: respond(endpoint, request, result, took, telemetry) });
  const fail = (thrown: unknown): Reviewed => ({
    answer: recover(endpoint, request, MacvtapError.from(thrown), took, telemetry),
  });
  try {
    const result = isOutOfScope(request) ? noVerdicts : endpoint.handle(request, context);
    return result instanceof Promise ? result.then(succeed).catch(fail) : succeed(result);
  } catch (thrown) {
    return fail(thrown);
  }
}

/**
 * Calls exactly one of `finish` and `fail`, and then `end`. The calls are synchronous unless the work returns a
 * promise.
 */
export function settle<Result>(
  work: () => Result | Promise<Result>,
  finish: (result: Result) => void,
  fail: (error: Error) => void,
  end: () => void = () => {},
): void {
  let result: Result | Promise<Result>;
  try {
    result = work();
    if (!(result instanceof Promise)) finish(result);
  } catch (thrown) {
    fail(thrown as Error);
    end();
    return;
  }
  if (result instanceof Promise) void result.then(finish).catch(fail).finally(end);
  else end();
}

const noVerdicts: ReviewResult = { verdicts: [] };

/**
 * Returns whether the rules do not apply to a request. They skip CONNECT, and requests for subresources such as a
 * status or an ephemeral container. They also skip an object that is being deleted: if the webhook denied the removal
 * of its finalizers, the object would remain forever.
 */
function isOutOfScope({ operation, subResource, object }: AdmissionRequest): boolean {
  if (subResource !== undefined || operation === 'CONNECT') return true;
  return operation === 'UPDATE' && typeof object?.metadata.deletionTimestamp === 'string';
}

function respond(
  endpoint: Endpoint,
  request: AdmissionRequest,
  { verdicts, edits = [], warnings = [] }: ReviewResult,
  took: () => number,
  { recorder, log }: ReviewTelemetry,
): AdmissionAnswer {
  const { operation } = request;
  const denials = verdicts.filter(({ severity }) => severity === 'deny');
  const allWarnings = [...warnings, ...verdicts.filter(({ severity }) => severity === 'warn').map(verdictText)];
  const isPatched = edits.length > 0;
  const outcome = denials.length > 0 ? 'denied' : isPatched ? 'patched' : 'allowed';
  const durationMs = took();
  recorder.review(endpoint, { outcome, operation, durationMs });
  if (outcome === 'denied') {
    const codes = new Set(denials.map(({ code }) => code));
    recorder.denial(endpoint, codes);
    log.info({ ...fieldsOf(endpoint, request, durationMs), codes: [...codes] }, 'denied');
    return denied(request, denials, allWarnings);
  }
  // Logs at debug level, because there may be thousands a second.
  log.debug({ ...fieldsOf(endpoint, request, durationMs), warnings: allWarnings.length }, outcome);
  return isPatched ? patched(request.uid, edits, allWarnings) : allowed(request.uid, allWarnings);
}

/**
 * Answers a request whose handler failed because of a failed look-up, a pod that is too large, or a bug. Counts bugs.
 */
function recover(
  endpoint: Endpoint,
  request: AdmissionRequest,
  error: MacvtapError,
  took: () => number,
  { recorder, log }: ReviewTelemetry,
): AdmissionAnswer {
  const durationMs = took();
  const fields = { ...fieldsOf(endpoint, request, durationMs), error };
  const isBug = error.code !== 'LookupFailed' && error.code !== 'PodTooLarge';
  if (isBug) {
    recorder.bug(endpoint);
    log.error(fields, 'an admission request failed because of a bug');
  } else {
    log.warn(fields, 'a review failed');
  }
  recorder.review(endpoint, { outcome: 'errored', operation: request.operation, durationMs });
  const message = isBug
    ? `${error.code}: ${endpoint.verb} failed because of a bug in kube-macvtap: ${error.message}; see the webhook's log`
    : `${error.code}: ${error.message}`;
  const code = isBug ? 500 : error.code === 'PodTooLarge' ? 400 : 503;
  return answerFailure(endpoint, request.uid, { code, message });
}

/** Lets the object pass or refuses it, depending on the endpoint's `onFailure`. */
function answerFailure({ onFailure }: Endpoint, uid: string, failure: ReviewFailure): AdmissionAnswer {
  return onFailure === 'pass'
    ? allowed(uid, [`${failure.message}; the object passes unchanged`])
    : errored(uid, failure);
}

function fieldsOf(endpoint: Endpoint, { uid, operation, namespace, name }: AdmissionRequest, durationMs: number) {
  return { path: endpoint.path, uid, operation, object: { namespace, name }, durationMs: roundMs(durationMs) };
}
