// SPDX-License-Identifier: Apache-2.0
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
}

export interface OffersViewOptions {
  readonly source: Pick<Source, 'snapshot' | 'onChange'>;
  /** The offers could not be made of a snapshot: the ones before stay. */
  readonly onBug: (error: MacvtapError) => void;
}

/**
 * Follows the offers of a source. Changes that come together (a relist, a rollout) make one update; between reviews, so
 * that none waits for it.
 */
export function watchOffers({ source, onBug }: OffersViewOptions): OffersView {
  const index = createOffersIndex();
  let current = index.update(source.snapshot);
  let scheduled: NodeJS.Immediate | undefined;
  const update = (): void => {
    scheduled = undefined;
    try {
      current = index.update(source.snapshot);
    } catch (thrown) {
      onBug(MacvtapError.from(thrown));
    }
  };
  const changes = source.onChange(() => {
    scheduled ??= setImmediate(update);
  });
  return {
    get current() {
      return current;
    },
    withPolicies: (policies) => withPolicies(current, policies),
    [Symbol.dispose]() {
      changes[Symbol.dispose]();
      clearImmediate(scheduled);
    },
  };
}
