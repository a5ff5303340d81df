// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { SourceFault } from '../source.ts';
import type { ApiResponse } from './client.ts';

/**
 * Returns an ApiServerRefused error for an error response. The message has the request, the HTTP status and the message
 * of the Status object. `facts.status` is the HTTP status.
 *
 * @example refused('list of Nodes', answer)
 */
export function refused(what: string, { status, body }: Pick<ApiResponse, 'status' | 'body'>): MacvtapError {
  const message = isJsonObject(body) ? body.message : body;
  const text = (typeof message === 'string' && message !== '' ? message : 'no reason given').slice(0, longestText);
  return new MacvtapError('ApiServerRefused', `${what}: ${status}: ${text}${hintFor(status)}`, { facts: { status } });
}

/** The maximum number of characters that are taken from a response. A proxy may respond with a whole HTML page. */
const longestText = 500;

function hintFor(status: number): string {
  switch (status) {
    case 401:
      return '; check that the token or certificate is valid';
    case 403:
      return '; grant it in a role of this service account';
    default:
      return '';
  }
}

/**
 * Returns whether the API server could not be reached or sent no complete response. Returns false if it refused the
 * request.
 */
export function isUnreachable({ code }: MacvtapError): boolean {
  return code === 'ApiServerUnreachable' || code === 'DeadlineExceeded' || code === 'ApiServerUnknown';
}

/** A watch and its current error. */
export interface WatchProblem {
  /** @example 'Nodes' */
  readonly what: string;
  readonly problem: MacvtapError | undefined;
}

/**
 * Returns the entries of a source's `faults` for the errors of all watches. An unreachable API server gets a single
 * entry instead of one per watch. That entry keeps its first message during the outage, because each attempt may fail
 * with another message.
 */
export function describeOutage(
  server: string,
  problems: readonly WatchProblem[],
  before: readonly SourceFault[],
): readonly SourceFault[] {
  const away = problems.find(({ problem }) => problem !== undefined && isUnreachable(problem))?.problem;
  const refusals = problems.flatMap(({ what, problem }) =>
    problem === undefined || isUnreachable(problem) ? [] : [{ where: what, message: problem.message }],
  );
  if (away === undefined) return refusals;
  const outage = before.find(({ isOutage }) => isOutage) ?? { where: server, message: away.message, isOutage: true };
  return [outage, ...refusals];
}

/**
 * Wraps `onState`, so that it is not called again for an error with the same message as the previous one. It is called
 * with undefined when the error ends.
 */
export function skipRepeatedErrors(
  onState: (error: MacvtapError | undefined) => void,
): (error: MacvtapError | undefined) => void {
  let last: string | undefined;
  return (error) => {
    if (error?.message !== last) onState(error);
    last = error?.message;
  };
}
