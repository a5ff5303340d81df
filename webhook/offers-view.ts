// SPDX-License-Identifier: Apache-2.0
import { setImmediate as breathe } from 'node:timers/promises';
import type { Source } from '../cluster/source.ts';
import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { Offers } from '../policy/offers/offers.ts';
import { createOffersIndex } from '../policy/offers/offers-index.ts';
import { withPolicies } from '../policy/offers/with-policies.ts';
import { MacvtapError } from '../runtime/errors.ts';

/** What is offered where, kept up to date. */
export interface OffersView extends Disposable {
  readonly current: Offers;
  /** The same with policies that were looked up instead of those of the snapshot. */
  withPolicies(policies: readonly Policy[]): Offers;
  /** Told when `current` is another one, which is some time after the source changed. */
  onChange(listener: () => void): Disposable;
}

export interface OffersViewOptions {
  readonly source: Pick<Source, 'snapshot' | 'onChange'>;
  /** The offers could not be made of a snapshot: the ones before stay. */
  readonly onBug: (error: MacvtapError) => void;
}

/**
 * Follows the offers of a source. Changes that come together (a relist, a rollout), or while an update is under way, make
 * one update. It is made in slices between which reviews are answered, by what was offered before.
 */
export function watchOffers({ source, onBug }: OffersViewOptions): OffersView {
  const index = createOffersIndex();
  const listeners = new Set<() => void>();
  let current = index.update(source.snapshot);
  let [isStale, isUpdating, isOver] = [false, false, false];
  const updateOnce = async (): Promise<void> => {
    const steps = index.follow(source.snapshot);
    let step = steps.next();
    while (!step.done) {
      await breathe();
      if (isOver) return;
      step = steps.next();
    }
    current = step.value;
    for (const listener of listeners) listener();
  };
  const update = async (): Promise<void> => {
    isUpdating = true;
    while (isStale) {
      await breathe();
      isStale = false;
      if (!isOver) await updateOnce().catch((thrown) => onBug(MacvtapError.from(thrown)));
    }
    isUpdating = false;
  };
  const changes = source.onChange(() => {
    isStale = true;
    if (!isUpdating) void update();
  });
  return {
    get current() {
      return current;
    },
    withPolicies: (policies) => withPolicies(current, policies),
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]() {
      changes[Symbol.dispose]();
      isOver = true;
    },
  };
}
