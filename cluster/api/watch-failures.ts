// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import { isUnreachable } from './is-unreachable.ts';
import { backOffMs, countFailures } from './pace.ts';

/** What a run of list and watch that ended asks for. */
interface FailedRun {
  readonly waitMs: number;
  /** Whether somebody is to know why; never without an error. */
  readonly isConcern: boolean;
}

/** Remembers how the last runs of list and watch ended. */
export interface WatchFailures {
  /** Undefined where the next run may begin at once. `error` is absent after a watch that only ended. */
  ended(lastedMs: number, error: MacvtapError | undefined): FailedRun | undefined;
}

export function rememberFailures(): WatchFailures {
  let failures = 0;
  /** How many of them, the last ones, were a version that the server has forgotten. */
  let forgotten = 0;
  return {
    ended(lastedMs, error) {
      failures = countFailures(failures, { lastedMs, failed: error !== undefined });
      // Never more than there are failures: a watch that lasted ends the row, however it ended.
      forgotten = error?.facts.status === 410 ? Math.min(forgotten + 1, failures) : 0;
      if (failures === 0) return undefined;
      // A server that was away often has forgotten; that it answers again ends the row of those when it did not.
      const inRow = forgotten > 0 ? forgotten : failures;
      const retryAfterMs = Number(error?.facts.retryAfterMs ?? 0);
      const isOutage = error !== undefined && isUnreachable(error);
      return {
        waitMs: backOffMs(inRow, { retryAfterMs, isOutage }),
        isConcern: error !== undefined && inRow > tolerated(error),
      };
    },
  };
}

/**
 * How many failures in a row are nobody's concern: a watch that breaks and is begun again at once, and a version that the
 * server has forgotten, which asks for a new list and then perhaps for one more. A bug is somebody's concern at once.
 */
function tolerated({ code, facts }: MacvtapError): number {
  if (code === 'Unexpected') return 0;
  return facts.status === 410 ? 3 : 1;
}
