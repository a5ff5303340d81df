// SPDX-License-Identifier: Apache-2.0
import { backOffMs } from './back-off.ts';
import type { Outcome } from './certificate-keeper.ts';

/** When to look the next time, and whether news of the store may make it earlier. */
export interface NextLook {
  readonly waitMs: number;
  readonly mayBeEarlier: boolean;
}

/** Plans the looks of a loop by how the last ones ended. */
export function createLookPlan(pollMs: number, random: () => number = Math.random): (outcome: Outcome) => NextLook {
  let changes = 0;
  let failures = 0;
  return (outcome) => {
    changes = outcome.type === 'again' ? changes + 1 : 0;
    failures = outcome.type === 'failed' ? failures + 1 : 0;
    switch (outcome.type) {
      case 'settled':
        // A quarter is left to chance, so that replicas do not look all at once.
        return { waitMs: Math.max(minMs, Math.min(outcome.waitMs, pollMs * (1 - random() / 4))), mayBeEarlier: true };
      case 'again':
        // A renewal takes two in a row. Many mean that somebody else writes as well, and does not agree.
        return {
          waitMs: changes <= maxHasty ? random() * minMs : backOffMs(changes - maxHasty, random),
          mayBeEarlier: false,
        };
      case 'failed':
        // A failed write can itself look like news: it must not lead to the next at once.
        return { waitMs: Math.min(pollMs, backOffMs(failures, random)), mayBeEarlier: false };
    }
  };
}

const maxHasty = 5;
const minMs = 20;
