// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../cluster/objects/read-object.ts';
import type { Edit, Mutation } from '../../policy/json.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { AdmissionRequest } from './admission-review.ts';

/** The result of a handler. If any verdict is a denial, the object is refused and the edits have no effect. */
export interface ReviewResult {
  readonly verdicts: readonly Verdict[];
  readonly edits?: readonly Edit[];
  /** Warnings, for example about limits. The answer lists them before the warnings of the verdicts. */
  readonly warnings?: readonly string[];
}

export const reviewedKinds = [
  'NetworkAttachmentDefinition',
  'Pod',
  'MacvtapNetworkNodePolicy',
  'ResourceClaim',
  'ResourceClaimTemplate',
] as const;
export const verbs = ['mutate', 'validate'] as const;

/** A path of the webhook and its handler. */
export interface Endpoint {
  /** @example '/mutate/pods' */
  readonly path: string;
  readonly kind: (typeof reviewedKinds)[number];
  readonly verb: (typeof verbs)[number];
  /** Whether an object passes, with a warning, if its handler fails because of a bug or a failed look-up. */
  readonly onFailure: 'refuse' | 'pass';
  /** Reviews the object. Raises LookupFailed, which is not a bug. */
  readonly handle: (request: AdmissionRequest, context: RequestContext) => ReviewResult | Promise<ReviewResult>;
}

/** The facts of a request other than its object. */
export interface RequestContext extends ReviewDeadlines {
  /** The client that sent the request, as `clientOf` returns it. */
  readonly client: string;
}

/**
 * Tries a mutation on a copy of the object. The patch must apply, and must not make a valid object invalid. An invalid
 * object is also patched: the validation that follows can then report its errors with the defaults filled in.
 *
 * `review` must be strict. It must not ignore errors in fields that an update leaves unchanged.
 *
 * Raises Unexpected if the patch does not apply or makes the object invalid. Both are bugs in the rules that made the
 * patch.
 */
export function tryMutation<Reviewed extends object>(
  object: Reviewed,
  { edits, verdicts }: Mutation,
  review: (object: Reviewed) => readonly Verdict[],
): ReviewResult {
  if (edits.length === 0) return { verdicts };
  const made = review(applyEdits(object, edits)).find(({ severity }) => severity === 'deny');
  if (made !== undefined && !review(object).some(({ severity }) => severity === 'deny')) {
    throw new MacvtapError('Unexpected', `the patch makes a valid object invalid: ${made.code} ${made.path}`);
  }
  return { verdicts, edits };
}

/** The timeout if the query has none: the default of timeoutSeconds in admissionregistration.k8s.io/v1. */
const defaultTimeoutMs = 10_000;

/** The longest time for look-ups, even if the API server waits longer. */
const longestLookupMs = 1_000;

/** The deadlines of a request, counted from its arrival. */
export interface ReviewDeadlines {
  /** Returns the signal that ends all look-ups. */
  readonly lookups: () => AbortSignal;
  /** Returns whether the answer is due. Slow work that is only informational then ends with a partial result. */
  readonly isDue: () => boolean;
}

/**
 * Computes the deadlines of a request from the API server's timeout, a Go duration in the query (`?timeout=10s`). The
 * answer is due after half of that time. Look-ups end at the same time, or after 1 s if that is earlier. The
 * timeout is read and the timer for look-ups starts on first use, because most requests need no look-ups.
 */
export function reviewDeadlines(
  timeout: unknown,
  arrivedMs: number,
  nowMs: () => number = () => performance.now(),
): ReviewDeadlines {
  let timeouts: ReturnType<typeof readTimeouts> | undefined;
  const limits = () => {
    timeouts ??= readTimeouts(timeout);
    return timeouts;
  };
  let signal: AbortSignal | undefined;
  return {
    lookups: () => {
      signal ??= AbortSignal.timeout(Math.max(0, Math.floor(limits().lookupMs - (nowMs() - arrivedMs))));
      return signal;
    },
    isDue: () => nowMs() - arrivedMs >= limits().answerMs,
  };
}

/** Returns how long the look-ups and the answer of a request may take, given the timeout parameter of its query. */
export function readTimeouts(timeout: unknown): { readonly lookupMs: number; readonly answerMs: number } {
  const timeoutMs = typeof timeout === 'string' ? parseGoDuration(timeout) : undefined;
  const answerMs = (timeoutMs ?? defaultTimeoutMs) / 2;
  return { lookupMs: Math.min(longestLookupMs, answerMs), answerMs };
}

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;

/** Returns the milliseconds of `10s`, `1m0s`, `1.5s` or `500ms`; undefined for 0 and for anything else. */
function parseGoDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(h|ms|m|s|us|µs|ns)){1,6}$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g);
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0);
  return ms > 0 ? ms : undefined;
}
