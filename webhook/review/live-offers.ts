// SPDX-License-Identifier: Apache-2.0
import { setImmediate as breathe } from 'node:timers/promises';
import { emptySnapshot, type Snapshot } from '../../cluster/snapshot.ts';
import type { Source } from '../../cluster/source.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Offers } from '../../policy/offers/offers.ts';
import { createOffersIndex, withPolicies } from '../../policy/offers/offers-index.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { runInSlices } from '../../runtime/run-in-slices.ts';

/** The resources that nodes and policies offer, kept up to date. */
export interface LiveOffers extends Disposable {
  readonly current: Offers;
  /** Why `current` is older than the newest snapshot: computing the offers of that snapshot failed, which is a bug. */
  readonly problem: MacvtapError | undefined;
  /** Nodes whose report does not count, with the reason: the report exceeds a limit, or reading it fails. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** Returns offers for which the given policies, which were just looked up, replace the snapshot's policies. */
  withPolicies(policies: readonly Policy[]): Offers;
  /** Calls the listener after `current` changed, which is some time after the source changed. */
  onChange(listener: () => void): Disposable;
}

export interface FollowOffersOptions {
  readonly source: Pick<Source, 'snapshot' | 'onChange'>;
  /** Called when the offers of a snapshot cannot be computed. `problem` is then set, and readiness must fail. */
  readonly onBug: (error: MacvtapError) => void;
}

/**
 * Follows the offers of a source. Changes that arrive together (a relist, a rollout), or during an update, cause a
 * single update. Updates run in slices, and requests between slices are answered from the previous offers.
 *
 * If an update fails, it is repeated once with a new index, because the old index may be half updated. If that also
 * fails, `problem` is set until an update succeeds. Meanwhile, the offers come only from policies, because access rules
 * must not be stale.
 */
export function followOffers({ source, onBug }: FollowOffersOptions): LiveOffers {
  const listeners = createListeners();
  let index = createOffersIndex();
  let current = createOffersIndex().update(emptySnapshot);
  let problem: MacvtapError | undefined;
  let [isStale, isUpdating, isOver] = [false, false, false];
  const fail = (snapshot: Snapshot, thrown: unknown): void => {
    index = createOffersIndex();
    problem = MacvtapError.from(thrown);
    onBug(problem);
    try {
      current = createOffersIndex().update({ ...snapshot, nodeStates: emptySnapshot.nodeStates });
    } catch {
      // The policies are also unreadable, so the previous offers stay.
    }
  };
  const followOnce = async (snapshot: Snapshot): Promise<void> => {
    const offers = await runInSlices(index.follow(snapshot), { isOver: () => isOver });
    if (offers === undefined) return;
    current = offers;
    problem = undefined;
  };
  const updateOnce = async (): Promise<void> => {
    const { snapshot } = source;
    try {
      await followOnce(snapshot);
    } catch {
      index = createOffersIndex();
      await followOnce(snapshot).catch((thrown: unknown) => fail(snapshot, thrown));
    }
    if (!isOver) listeners.notify();
  };
  const update = async (): Promise<void> => {
    isUpdating = true;
    while (isStale) {
      await breathe();
      isStale = false;
      if (!isOver) await updateOnce();
    }
    isUpdating = false;
  };
  try {
    current = index.update(source.snapshot);
  } catch (thrown) {
    fail(source.snapshot, thrown);
  }
  const changes = source.onChange(() => {
    isStale = true;
    if (!isUpdating) void update();
  });
  return {
    get current() {
      return current;
    },
    get problem() {
      return problem;
    },
    get leftOut() {
      return index.failures.size === 0
        ? source.snapshot.leftOut
        : new Map([...source.snapshot.leftOut, ...index.failures]);
    },
    withPolicies: (policies) => withPolicies(current, policies),
    onChange: listeners.add,
    [Symbol.dispose]() {
      changes[Symbol.dispose]();
      isOver = true;
    },
  };
}
