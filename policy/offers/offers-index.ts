// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../plan/read-explicit.ts';
import { type Asker, createNodeReadings, explicitAsker } from './node-readings.ts';
import type { Offer, Offers, OffersInput } from './offers.ts';
import { emptyMaps, replaceOffers, viewOffers } from './offers-view.ts';
import { readWriters, type Writers } from './writers.ts';
import { writtenOffers } from './written-offers.ts';

/** Keeps offers up to date. */
export interface OffersIndex {
  /**
   * The offers of an input. What is the same object as at the last update (a node's state, a policy, the explicit
   * configuration) is not read again, so that one changed state costs a glance at each node and the work of one. Views
   * returned before stay as they were; where no offer changed, the last one is returned again.
   */
  update(input: OffersInput): Offers;
}

/** What is asked for in writing, read. */
interface Written {
  readonly policies: readonly Policy[];
  readonly explicit: ExplicitConfig | undefined;
  readonly writers: Writers;
  readonly offers: ReadonlyMap<string, readonly Offer[]>;
}

export function createOffersIndex(): OffersIndex {
  const readings = createNodeReadings();
  let written = readWritten([], undefined);
  let maps = emptyMaps;
  let view = viewOffers(maps, written.writers.policies);
  return {
    update: (input) => {
      const previous = written;
      const isEdited = input.policies !== previous.policies || input.explicit !== previous.explicit;
      if (isEdited) written = readWritten(input.policies, input.explicit);
      const changed = isEdited ? changedAskers(previous, written) : new Set<Asker>();
      const resources = new Set([
        ...resourcesOf(previous, changed),
        ...resourcesOf(written, changed),
        ...readings.follow(input, written.writers, changed),
      ]);
      if (resources.size === 0 && changed.size === 0) return view;
      const offers = [...resources].map(
        (resource) => [resource, readings.offersOf(resource, written.offers.get(resource) ?? [])] as const,
      );
      maps = replaceOffers(maps, new Map(offers));
      view = viewOffers(maps, written.writers.policies);
      return view;
    },
  };
}

/** The offers of an input, read from nothing. */
export function collectOffers(input: OffersInput): Offers {
  return createOffersIndex().update(input);
}

function readWritten(policies: readonly Policy[], explicit: ExplicitConfig | undefined): Written {
  const writers = readWriters(policies, explicit);
  return { policies, explicit, writers, offers: writtenOffers(writers) };
}

function changedAskers(before: Written, after: Written): ReadonlySet<Asker> {
  const ids = [...before.writers.policies.keys(), ...after.writers.policies.keys()];
  const changed = new Set<Asker>(
    ids.filter((id) => before.writers.policies.get(id) !== after.writers.policies.get(id)),
  );
  return before.explicit === after.explicit ? changed : changed.add(explicitAsker);
}

/** The resources that these askers name: what is written and of no policy is explicit. */
function resourcesOf({ offers }: Written, askers: ReadonlySet<Asker>): readonly string[] {
  if (askers.size === 0) return [];
  const isAskedByThem = ({ policy }: Offer) => askers.has(policy ?? explicitAsker);
  return [...offers].filter(([, list]) => list.some(isAskedByThem)).map(([resource]) => resource);
}
