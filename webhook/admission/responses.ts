// SPDX-License-Identifier: Apache-2.0
import type { Edit } from '../../policy/json.ts';
import { reasonReference } from '../../policy/reason-fixes.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { printable } from '../../runtime/terminal-text.ts';
import type {
  AdmissionAnswer,
  AdmissionRequest,
  AdmissionResponse,
  RefusalStatus,
  StatusCause,
} from './admission-review.ts';

/** Returns an answer that lets the object pass unchanged. */
export function allowed(uid: string, warnings: readonly string[]): AdmissionAnswer {
  return answer({ uid, allowed: true, ...fitted(warnings) });
}

/** Returns an answer that lets the object pass with these edits. There must be at least one edit. */
export function patched(uid: string, edits: readonly Edit[], warnings: readonly string[]): AdmissionAnswer {
  const patch = Buffer.from(JSON.stringify(edits)).toString('base64');
  return answer({ uid, allowed: true, ...fitted(warnings), patchType: 'JSONPatch', patch });
}

/**
 * Returns an answer that refuses the object because of the rules. Each verdict becomes one line and one cause. The
 * message ends with a reference to the first code.
 */
export function denied(
  { uid, kind, name }: Pick<AdmissionRequest, 'uid' | 'kind' | 'name'>,
  verdicts: readonly Verdict[],
  warnings: readonly string[],
): AdmissionAnswer {
  const shown = verdicts.slice(0, linesLimit);
  const lines = shown.map((verdict) => cutText(verdictText(verdict), lineLimit));
  const rest = verdicts.length - shown.length;
  const text = [...lines, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n');
  const reference = verdicts.slice(0, 1).map(({ code }) => `; see ${reasonReference(code)}`);
  const status: RefusalStatus = {
    status: 'Failure',
    code: 403,
    reason: 'Forbidden',
    message: [text, ...reference].join(''),
    details: { ...(name !== '' && { name: cutText(name, lineLimit) }), kind, causes: shown.map(causeOf) },
  };
  return answer({ uid, allowed: false, ...fitted(warnings), status });
}

/** Why a request has no result. */
export interface ReviewFailure {
  /** The HTTP status that the API server passes on to its client. */
  readonly code: 400 | 500 | 503;
  /** @example 'LookupFailed: the NAD could not be read: …' */
  readonly message: string;
}

const troubleReasons = { 400: 'BadRequest', 500: 'InternalError', 503: 'ServiceUnavailable' } as const;

/**
 * Returns an answer that refuses the object because its review failed. If the code is 503, clients retry automatically.
 */
export function errored(uid: string, { code, message }: ReviewFailure): AdmissionAnswer {
  const status: RefusalStatus = {
    status: 'Failure',
    code,
    reason: troubleReasons[code],
    message: cutText(message, lineLimit),
    ...(code === 503 && { details: { retryAfterSeconds: 1 } }),
  };
  return answer({ uid, allowed: false, status });
}

/** Writes a verdict on one line: `BadGlob spec.parentSelector[0].nicSelector.names[1]: not a shell glob (ens[: …)`. */
export function verdictText({ code, path, reason, detail }: Verdict): string {
  return `${code}${path === '' ? '' : ` ${path}`}: ${reason}${detail === '' ? '' : ` (${detail})`}`;
}

/** The maximum number of lines in a denial, about one screen. An object may have thousands of errors. */
const linesLimit = 32;
const lineLimit = 1_024;

function causeOf({ code, path, reason, detail }: Verdict): StatusCause {
  const message = cutText(detail === '' ? reason : `${reason} (${detail})`, lineLimit);
  return { reason: code, message, field: cutText(path, lineLimit) };
}

function fitted(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings: fitWarnings(warnings) };
}

function answer(response: AdmissionResponse): AdmissionAnswer {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

/**
 * The API server's limits on warnings, in characters (runes). If the total is exceeded, the API server cuts long
 * warnings and drops those at the end: truncateItemRunes and truncateAtTotalRunes in
 * apiserver/pkg/endpoints/filters/warning.go.
 */
const itemLimit = 256;
const totalLimit = 4_096;

/** Space for `… 99999 more warnings were left out`. */
const noticeLength = 40;

/**
 * Fits warnings into the API server's limits. Each warning is one line of at most 256 characters, and all together have
 * at most 4,096. Repeated warnings are dropped. If some warnings do not fit, the last one gives their number.
 */
export function fitWarnings(texts: readonly string[]): readonly string[] {
  const all = [...new Set(texts.map((text) => cutText(text, itemLimit)))];
  const lengths = all.map(lengthOf);
  if (lengths.reduce((sum, length) => sum + length, 0) <= totalLimit) return all;
  const kept: string[] = [];
  let left = totalLimit - noticeLength;
  for (const [index, text] of all.entries()) {
    left -= lengths[index] as number;
    if (left < 0) break;
    kept.push(text);
  }
  return [...kept, `… ${all.length - kept.length} more warnings were left out`];
}

/**
 * Puts a text on one line of at most `limit` characters. A cut text ends with `…`. Control characters become spaces,
 * for two reasons. Go refuses them in a Warning header (apimachinery/pkg/util/net, NewWarningHeader). A line break
 * could make part of a text look like another message. Other characters that a terminal does not show are written as
 * escapes.
 */
export function cutText(text: string, limit: number): string {
  // Cut first, because the text may be megabytes long. A character has at most two UTF-16 units.
  const start = text.slice(0, 2 * limit + 2).toWellFormed();
  const line = printable(start.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '));
  if (line.length <= limit) return line;
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
