// SPDX-License-Identifier: Apache-2.0
import { backOffMs } from '../../api/back-off.ts';

/** Decides when the status of each policy may be written next. All times are in milliseconds on one clock. */
export interface StatusSchedule {
  /** Requests a write after a short time. Has no effect if one is already requested. */
  ask(policy: string, nowMs: number): void;
  /** Returns the policies whose writes are due now, and removes their requests. */
  take(nowMs: number): readonly string[];
  /** Returns when the next write is due, or undefined if no write is requested. */
  nextMs(): number | undefined;
  /** Records that the status was written. */
  wrote(policy: string, nowMs: number): void;
  /** Requests the failed write again after a back-off. */
  failed(policy: string, nowMs: number, isOutage: boolean): void;
  forget(policy: string): void;
}

/**
 * How long to collect changes before a write. After a policy is created or edited, most nodes report within a second,
 * so one write usually covers their reports.
 */
const coalesceMs = 1_000;
/**
 * The minimum time between two writes of the same status. The time doubles with each write while changes continue, so
 * that the reports of thousands of nodes cause few writes.
 */
const shortestGapMs = 2_000;
const longestGapMs = 16_000;

interface PolicySchedule {
  askedMs: number | undefined;
  notBeforeMs: number;
  gapMs: number;
  failures: number;
}

export function createStatusSchedule(random: () => number = Math.random): StatusSchedule {
  const schedules = new Map<string, PolicySchedule>();
  const scheduleOf = (policy: string): PolicySchedule =>
    schedules.getOrInsertComputed(policy, () => ({
      askedMs: undefined,
      notBeforeMs: Number.NEGATIVE_INFINITY,
      gapMs: 0,
      failures: 0,
    }));
  const dueMs = ({ askedMs, notBeforeMs }: PolicySchedule): number | undefined =>
    askedMs === undefined ? undefined : Math.max(askedMs, notBeforeMs);
  return {
    ask(policy, nowMs) {
      scheduleOf(policy).askedMs ??= nowMs + coalesceMs;
    },
    take(nowMs) {
      const due = [...schedules].filter(([, schedule]) => (dueMs(schedule) ?? Number.POSITIVE_INFINITY) <= nowMs);
      for (const [, schedule] of due) schedule.askedMs = undefined;
      return due.map(([policy]) => policy);
    },
    nextMs() {
      const dues = [...schedules.values()].map(dueMs).filter((due) => due !== undefined);
      return dues.length === 0 ? undefined : Math.min(...dues);
    },
    wrote(policy, nowMs) {
      const schedule = scheduleOf(policy);
      // If the policy needed no write for longer than `gapMs`, start again with the shortest gap.
      const isQuiet = nowMs - schedule.notBeforeMs > schedule.gapMs;
      schedule.gapMs = isQuiet ? shortestGapMs : Math.min(schedule.gapMs * 2, longestGapMs);
      schedule.notBeforeMs = nowMs + schedule.gapMs;
      schedule.failures = 0;
    },
    failed(policy, nowMs, isOutage) {
      const schedule = scheduleOf(policy);
      schedule.failures += 1;
      schedule.notBeforeMs = nowMs + backOffMs(schedule.failures, { isOutage }, random);
      schedule.askedMs = nowMs;
    },
    forget: (policy) => void schedules.delete(policy),
  };
}
