// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import type { SourceFault } from '../source.ts';
import { isUnreachable } from './is-unreachable.ts';

/** What a watch suffers from. */
export interface WatchProblem {
  /** @example 'Nodes' */
  readonly what: string;
  readonly problem: MacvtapError | undefined;
}

/**
 * The problems of all watches as faults. That the API server is away is one fault, not one for each watch, and with the
 * text that it had first: the kernel's own words differ from attempt to attempt.
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
