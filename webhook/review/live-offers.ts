// SPDX-License-Identifier: Apache-2.0
import { setImmediate as breathe } from 'node:timers/promises';
import { emptySnapshot, type Snapshot, type Source } from '../../cluster/source.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { Offers } from '../../policy/offers/offers.ts';
import { createOffersIndex, withPolicies } from '../../policy/offers/offers-index.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { runInSlices } from '../../runtime/pause.ts';

/** The resources that nodes and policies offer, kept up to date. */
export interface LiveOffers extends Disposable {
  readonly current: Offers;
  /**
   * Set if the offers of the newest snapshot could not be computed, which is a bug. `current` is then older than that
   * snapshot.
   */
  readonly problem: MacvtapError | undefined;
  /** Whether `current` has the offers of a snapshot of the whole cluster: the source was synced, without a problem. */
  readonly isSound: boolean;
  /** Nodes whose report is ignored, with the reason: the report exceeds a limit, or reading it fails. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** Returns the offers with these policies, which were just looked up, instead of the snapshot's policies. */
  withPolicies(policies: readonly Policy[]): Offers;
  /** Calls the listener after `current` changed. That is some time after the source changed. */
  onChange(listener: () => void): Disposable;
}

export interface FollowOffersOptions {
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  /**
   * Called when the offers of a snapshot cannot be computed. `problem` is then set, and the webhook must report that it
   * is not ready.
   */
  readonly onBug: (error: MacvtapError) => void;
}

/**
 * Follows the offers of a source. Several changes at once (a relist, a rollout), and all changes during an update,
 * cause a single update. An update runs in slices. Requests between slices are answered from the previous offers.
 *
 * If an update fails, it is repeated once with a new index, because the old index may be half updated. If the second
 * attempt also fails, `problem` is set until an update succeeds. Until then, the offers come only from policies: their
 * rules about namespaces must be current.
 */
export function followOffers({ source, onBug }: FollowOffersOptions): LiveOffers {
  const listeners = createListeners();
  let index = createOffersIndex();
  let current = createOffersIndex().update(emptySnapshot);
  let problem: MacvtapError | undefined;
  let [isStale, isUpdating, isOver, isWhole] = [false, false, false, false];
  const fail = (snapshot: Snapshot, thrown: unknown): void => {
    index = createOffersIndex();
    problem = MacvtapError.from(thrown);
    onBug(problem);
    try {
      current = createOffersIndex().update({ ...snapshot, nodeStates: emptySnapshot.nodeStates });
    } catch {
      // The policies are also unreadable. Keep the previous offers.
    }
  };
  const followOnce = async (snapshot: Snapshot): Promise<void> => {
    const offers = await runInSlices(index.follow(snapshot), { isOver: () => isOver });
    if (offers === undefined) return;
    current = offers;
    problem = undefined;
  };
  const updateOnce = async (): Promise<void> => {
    const { snapshot, synced } = source;
    try {
      await followOnce(snapshot);
    } catch {
      index = createOffersIndex();
      await followOnce(snapshot).catch((thrown: unknown) => fail(snapshot, thrown));
    }
    isWhole = synced;
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
  isWhole = source.synced;
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
    get isSound() {
      return isWhole && problem === undefined;
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
