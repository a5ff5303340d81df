// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import { decideStatus } from '../../policy/status/decide-status.ts';
import { createStatusIndex, type StatusIndex } from '../../policy/status/status-index.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { ApiClient } from '../api/client.ts';
import { isUnreachable } from '../api/is-unreachable.ts';
import { pause } from '../api/pause.ts';
import { waitForNews } from '../api/wait-for-news.ts';
import type { Source } from '../source.ts';
import { createStatusTurns } from './status-turns.ts';
import { tellTroubles } from './tell-troubles.ts';
import { type WrittenPolicy, watchWrittenPolicies } from './watch-written-policies.ts';
import { createStatusWriter } from './write-policy-status.ts';

export interface StatusKeeperOptions {
  readonly client: ApiClient;
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  readonly policyNamespace: string;
  /** Told of each writing. */
  readonly onWritten: (policy: string) => void;
  /** Told of each that failed. */
  readonly onFailed?: (policy: string) => void;
  /** Told of each trouble once for as long as it stays, and, without an error, that none is left. */
  readonly onState: (error: MacvtapError | undefined) => void;
}

/**
 * Keeps the status of every policy in step with what nodes report, until the signal ends. Only one process of a cluster
 * is to do that: two would write the same, and each as often. What nodes report is counted in slices between which other
 * work goes on, and statuses are written one after another.
 */
export async function keepPolicyStatus(options: StatusKeeperOptions, signal: AbortSignal): Promise<void> {
  const { client, source, policyNamespace, onWritten, onFailed, onState } = options;
  const write = createStatusWriter(client);
  const turns = createStatusTurns();
  const counting = countPolicies();
  let news = Promise.withResolvers<void>();
  const wake = (): void => news.resolve();
  const troubles = tellTroubles(onState);
  const tellOfWatch = tellChanges(onState);
  await using policies = watchWrittenPolicies({ client, policyNamespace, onChange: wake });
  using _changes = source.onChange(wake);

  const writeOne = async (id: string): Promise<void> => {
    const written = policies.current.get(id);
    const tally = counting.index.tallyOf(id);
    if (written === undefined || tally === undefined) {
      troubles.ended(id);
      return turns.forget(id);
    }
    const status = decideStatus({ policy: written.policy, tally, previous: written.status, now: timeNow() });
    if (status === undefined) return troubles.ended(id);
    try {
      const outcome = await write({ id, uid: written.uid }, status, signal);
      troubles.ended(id);
      if (outcome === 'gone') return;
      turns.wrote(id, performance.now());
      onWritten(id);
      await pause(spacingMs, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = MacvtapError.from(thrown);
      turns.failed(id, performance.now(), isUnreachable(error));
      onFailed?.(id);
      troubles.failed(id, error);
    }
  };
  while (!signal.aborted) {
    news = Promise.withResolvers();
    tellOfWatch(policies.problem);
    if (source.synced && policies.synced) {
      const touched = await counting.follow(policies.current, source, signal);
      for (const id of touched) turns.ask(id, performance.now());
      for (const id of turns.take(performance.now())) if (!signal.aborted) await writeOne(id);
    }
    const nextMs = turns.nextMs();
    await waitForNews(news.promise, nextMs === undefined ? undefined : nextMs - performance.now(), signal);
    // What else changes in that time is counted with it: a rollout makes a hundred changes a second.
    await pause(countMs, signal);
  }
}

/** Between two countings. */
const countMs = 200;

/** Between two writings: each is news to every node plugin of the cluster. */
const spacingMs = 20;

/** Follows policies and nodes, and says which policies to look at again: counted otherwise, or written by somebody. */
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
      const steps = index.follow({ ...snapshot, policies });
      let step = steps.next();
      while (!step.done) {
        // To its end in any case: a tally of half the nodes is none.
        if (!signal.aborted) await setImmediate();
        step = steps.next();
      }
      return new Set([...step.value, ...written.map(([id]) => id)]);
    },
  };
}

/** Passes on an error that has another text than the one before, and its end. */
function tellChanges(onState: StatusKeeperOptions['onState']): StatusKeeperOptions['onState'] {
  let told: string | undefined;
  return (error) => {
    if (error?.message !== told) onState(error);
    told = error?.message;
  };
}

/** As metav1.Time writes it: seconds. */
function timeNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
