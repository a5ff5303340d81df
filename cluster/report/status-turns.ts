// SPDX-License-Identifier: Apache-2.0
import { backOffMs } from '../api/pace.ts';

/** When each policy's status may be written next. Times are in milliseconds, of any one clock. */
export interface StatusTurns {
  /** Something of it may have changed. Waits a little for more, if nothing is waited for yet. */
  ask(policy: string, nowMs: number): void;
  /** Those whose turn it is, which ends with that. */
  take(nowMs: number): readonly string[];
  /** When the next one's turn is; undefined while nothing is asked for. */
  nextMs(): number | undefined;
  /** Its status was written. */
  wrote(policy: string, nowMs: number): void;
  /** It could not be: it is asked for again. */
  failed(policy: string, nowMs: number, isOutage: boolean): void;
  forget(policy: string): void;
}

/** A new policy or an edit makes nodes report within a second; what comes of it is then one writing. */
const coalesceMs = 1_000;
/** After a writing, doubled with each one that follows while changes go on: thousands of nodes take some time. */
const shortestGapMs = 2_000;
const longestGapMs = 16_000;

interface Turn {
  askedMs: number | undefined;
  notBeforeMs: number;
  gapMs: number;
  failures: number;
}

export function createStatusTurns(random: () => number = Math.random): StatusTurns {
  const turns = new Map<string, Turn>();
  const turnOf = (policy: string): Turn =>
    turns.getOrInsertComputed(policy, () => ({
      askedMs: undefined,
      notBeforeMs: Number.NEGATIVE_INFINITY,
      gapMs: 0,
      failures: 0,
    }));
  const dueMs = ({ askedMs, notBeforeMs }: Turn): number | undefined =>
    askedMs === undefined ? undefined : Math.max(askedMs, notBeforeMs);
  return {
    ask(policy, nowMs) {
      turnOf(policy).askedMs ??= nowMs + coalesceMs;
    },
    take(nowMs) {
      const due = [...turns].filter(([, turn]) => (dueMs(turn) ?? Number.POSITIVE_INFINITY) <= nowMs);
      for (const [, turn] of due) turn.askedMs = undefined;
      return due.map(([policy]) => policy);
    },
    nextMs() {
      const dues = [...turns.values()].map(dueMs).filter((due) => due !== undefined);
      return dues.length === 0 ? undefined : Math.min(...dues);
    },
    wrote(policy, nowMs) {
      const turn = turnOf(policy);
      // Whoever was quiet for longer than its gap begins anew.
      const isQuiet = nowMs - turn.notBeforeMs > turn.gapMs;
      turn.gapMs = isQuiet ? shortestGapMs : Math.min(turn.gapMs * 2, longestGapMs);
      turn.notBeforeMs = nowMs + turn.gapMs;
      turn.failures = 0;
    },
    failed(policy, nowMs, isOutage) {
      const turn = turnOf(policy);
      turn.failures += 1;
      turn.notBeforeMs = nowMs + backOffMs(turn.failures, { isOutage }, random);
      turn.askedMs = nowMs;
    },
    forget: (policy) => void turns.delete(policy),
  };
}
