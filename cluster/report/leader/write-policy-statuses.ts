// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../../../policy/nodepolicy/read-policy.ts';
import { decideStatus } from '../../../policy/status/decide-status.ts';
import { createStatusIndex, type StatusIndex } from '../../../policy/status/status-index.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { createSleeper, pause, runInSlices } from '../../../runtime/pause.ts';
import { isUnreachable, skipRepeatedErrors } from '../../api/api-errors.ts';
import { toMetaTime } from '../../api/api-resource.ts';
import { backOffMs } from '../../api/back-off.ts';
import type { ApiClient } from '../../api/client.ts';
import type { Source } from '../../source.ts';
import { createStatusWriter, type WrittenPolicy, watchWrittenPolicies } from './written-policies.ts';

export interface PolicyStatusOptions {
  readonly client: ApiClient;
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  readonly policyNamespace: string;
  /** Called after each write. */
  readonly onWritten: (policy: string) => void;
  /** Called after each write that failed. */
  readonly onFailed?: (policy: string) => void;
  /** Called with each problem once while it lasts, and with undefined when no problem is left. */
  readonly onState: (error: MacvtapError | undefined) => void;
}

/**
 * Writes the status of every policy according to the reports of nodes, until the signal aborts. Only one process in a
 * cluster may run this, because two would write every status twice. The nodes of each policy are counted in slices, so
 * that the process can do other work in between. One status is written after another.
 */
export async function writePolicyStatuses(options: PolicyStatusOptions, signal: AbortSignal): Promise<void> {
  const { client, source, policyNamespace, onWritten, onFailed, onState } = options;
  const write = createStatusWriter(client);
  const schedule = createStatusSchedule();
  const counting = countPolicies();
  const sleeper = createSleeper(signal);
  const problems = reportProblems(onState);
  const setWatchState = skipRepeatedErrors(onState);
  await using policies = watchWrittenPolicies({ client, policyNamespace, onChange: sleeper.wake });
  using _changes = source.onChange(sleeper.wake);

  /** The number of selected nodes that had not reported, in the last decision about each policy. */
  const pending = new Map<string, number>();
  const ask = (id: string): void => {
    schedule.ask(id, performance.now());
    const wasPending = (pending.get(id) ?? 0) > 0;
    if (wasPending && counting.index.tallyOf(id)?.nodes.pending === 0) schedule.hasten(id);
  };
  const writeOne = async (id: string): Promise<void> => {
    const written = policies.current.get(id);
    const tally = counting.index.tallyOf(id);
    if (written === undefined || tally === undefined) {
      problems.ended(id);
      pending.delete(id);
      return schedule.forget(id);
    }
    pending.set(id, tally.nodes.pending);
    const status = decideStatus({
      policy: written.policy,
      tally,
      previous: written.status,
      now: toMetaTime(Date.now()),
    });
    if (status === undefined) return problems.ended(id);
    try {
      const outcome = await write({ id, uid: written.uid }, status, signal);
      problems.ended(id);
      if (outcome === 'gone') return;
      schedule.wrote(id, performance.now());
      onWritten(id);
      await pause(spacingMs, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = MacvtapError.from(thrown);
      schedule.failed(id, performance.now(), isUnreachable(error));
      onFailed?.(id);
      problems.failed(id, error);
    }
  };
  while (!signal.aborted) {
    setWatchState(policies.problem);
    if (source.synced && policies.synced) {
      const touched = await counting.follow(policies.current, source, signal);
      for (const id of touched) ask(id);
      for (const id of schedule.take(performance.now())) if (!signal.aborted) await writeOne(id);
    }
    const nextMs = schedule.nextMs();
    await sleeper.sleep(nextMs === undefined ? undefined : nextMs - performance.now());
    // Wait until `countMs` has passed, so that all changes in this time cause only one count. A rollout causes a
    // hundred changes a second.
    await sleeper.sleepThrough(countMs);
  }
}

/** The minimum time between two counts. */
const countMs = 200;

/** The minimum time between two writes, because each write causes a watch event for every node plugin. */
const spacingMs = 20;

/**
 * Creates a counter of the nodes of each policy. Its `follow` returns the policies whose counts changed or whose status
 * was written.
 */
function countPolicies() {
  const index: StatusIndex = createStatusIndex();
  let before: ReadonlyMap<string, WrittenPolicy> = new Map();
  return {
    index,
    async follow(
      current: ReadonlyMap<string, WrittenPolicy>,
      { snapshot }: Pick<Source, 'snapshot'>,
      signal: AbortSignal,
    ): Promise<ReadonlySet<string>> {
      const written = [...current].filter(([id, policy]) => before.get(id)?.status !== policy.status);
      before = current;
      const policies = new Map<string, Policy>([...current].map(([id, { policy }]) => [id, policy]));
      // After an abort, the rest is counted without breaks, so that the count ends soon.
      const touched = await runInSlices(index.follow({ ...snapshot, policies }), { isUrgent: () => signal.aborted });
      return new Set([...touched, ...written.map(([id]) => id)]);
    },
  };
}

/** Tracks the failed writes of policy statuses, by policy. */
export interface ProblemReporter {
  failed(id: string, error: MacvtapError): void;
  /** Records that the write succeeded, or is no longer needed. */
  ended(id: string): void;
}

/**
 * Creates a reporter. It reports each problem once while it lasts, and undefined when no problem is left. An
 * unreachable server is one problem for all policies.
 */
export function reportProblems(onState: (error: MacvtapError | undefined) => void): ProblemReporter {
  const problems = new Map<string, string>();
  return {
    failed(id, error) {
      const text = isUnreachable(error) ? error.code : error.message;
      const isKnown = [...problems.values()].includes(text);
      problems.set(id, text);
      if (!isKnown) onState(error);
    },
    ended(id) {
      if (problems.delete(id) && problems.size === 0) onState(undefined);
    },
  };
}

/** Decides when the status of each policy may be written next. All times are in milliseconds on one clock. */
export interface StatusSchedule {
  /** Requests a write after a short time. Has no effect if one is already requested. */
  ask(policy: string, nowMs: number): void;
  /**
   * Allows the requested write after the shortest gap since the last one. For the moment when the last selected node
   * has reported: the status then usually stays the same. Does not shorten a back-off.
   */
  hasten(policy: string): void;
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
 * that the reports of thousands of nodes cause few writes. The write that follows the report of the last node does not
 * wait that long.
 */
const shortestGapMs = 2_000;
const longestGapMs = 16_000;

interface PolicySchedule {
  askedMs: number | undefined;
  wroteMs: number;
  notBeforeMs: number;
  gapMs: number;
  failures: number;
}

export function createStatusSchedule(random: () => number = Math.random): StatusSchedule {
  const schedules = new Map<string, PolicySchedule>();
  const scheduleOf = (policy: string): PolicySchedule =>
    schedules.getOrInsertComputed(policy, () => ({
      askedMs: undefined,
      wroteMs: Number.NEGATIVE_INFINITY,
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
    hasten(policy) {
      const schedule = scheduleOf(policy);
      if (schedule.failures > 0) return;
      schedule.notBeforeMs = Math.min(schedule.notBeforeMs, schedule.wroteMs + shortestGapMs);
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
      schedule.wroteMs = nowMs;
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
