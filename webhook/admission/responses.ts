// SPDX-License-Identifier: Apache-2.0
import type { Edit } from '../../policy/edit.ts';
import type { Verdict } from '../../policy/reasons.ts';
import type { AdmissionAnswer, AdmissionRequest, AdmissionResponse, Cause, RefusalStatus } from './admission-review.ts';
import { cutText, limitWarnings } from './limit-warnings.ts';

/** The object passes as it is. */
export function allowed(uid: string, warnings: readonly string[]): AdmissionAnswer {
  return answer({ uid, allowed: true, ...told(warnings) });
}

/** The object passes with these edits, of which there is at least one. */
export function patched(uid: string, edits: readonly Edit[], warnings: readonly string[]): AdmissionAnswer {
  const patch = Buffer.from(JSON.stringify(edits)).toString('base64');
  return answer({ uid, allowed: true, ...told(warnings), patchType: 'JSONPatch', patch });
}

/** The rules refuse the object: one line and one cause a verdict. */
export function denied(
  { uid, kind, name }: Pick<AdmissionRequest, 'uid' | 'kind' | 'name'>,
  verdicts: readonly Verdict[],
  warnings: readonly string[],
): AdmissionAnswer {
  const shown = verdicts.slice(0, linesLimit);
  const lines = shown.map((verdict) => cutText(verdictText(verdict), lineLimit));
  const rest = verdicts.length - shown.length;
  const status: RefusalStatus = {
    status: 'Failure',
    code: 403,
    reason: 'Forbidden',
    message: [...lines, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n'),
    details: { ...(name !== '' && { name: cutText(name, lineLimit) }), kind, causes: shown.map(causeOf) },
  };
  return answer({ uid, allowed: false, ...told(warnings), status });
}

/** Why no judgement was reached. */
export interface Trouble {
  /** HTTP's, as the API server passes it on to its client: 400, 500, 503. */
  readonly code: 400 | 500 | 503;
  /** @example 'LookupFailed: the NAD could not be read: …' */
  readonly message: string;
}

const troubleReasons = { 400: 'BadRequest', 500: 'InternalError', 503: 'ServiceUnavailable' } as const;

/** The object is refused without a judgement; with 503 clients try again by themselves. */
export function errored(uid: string, { code, message }: Trouble): AdmissionAnswer {
  const status: RefusalStatus = {
    status: 'Failure',
    code,
    reason: troubleReasons[code],
    message: cutText(message, lineLimit),
    ...(code === 503 && { details: { retryAfterSeconds: 1 } }),
  };
  return answer({ uid, allowed: false, status });
}

/** A verdict on one line: `BadGlob spec.parentSelector[0].nicSelector.names[1]: not a shell glob (ens[: …)`. */
export function verdictText({ code, path, reason, detail }: Verdict): string {
  return `${code}${path === '' ? '' : ` ${path}`}: ${reason}${detail === '' ? '' : ` (${detail})`}`;
}

/** A terminal's worth: an object may have thousands of faults, each with a text of its own. */
const linesLimit = 32;
const lineLimit = 1_024;

function causeOf({ code, path, reason, detail }: Verdict): Cause {
  const message = cutText(detail === '' ? reason : `${reason} (${detail})`, lineLimit);
  return { reason: code, message, field: cutText(path, lineLimit) };
}

function told(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings: limitWarnings(warnings) };
}

function answer(response: AdmissionResponse): AdmissionAnswer {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}
