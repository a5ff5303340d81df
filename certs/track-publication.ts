// SPDX-License-Identifier: Apache-2.0
import type { Authority } from './pair.ts';
import type { Publication } from './store.ts';

/** Remembers since when clients can read each authority everywhere. */
export interface PublicationTracker {
  /** Takes in what was read just now; undefined when that failed. */
  note(publication: Publication | undefined): void;
  /** Until now, without a break; 0 for what is not published, and for all while nobody can say. */
  publishedForMs(authority: Authority): number;
}

/**
 * Goes by the steady clock, and by versions: where one changed between two looks, somebody wrote in between, and an
 * authority may have been absent for a moment. It is counted anew then, which costs nothing but time.
 */
export function trackPublication(steadyMs: () => number): PublicationTracker {
  let seen: Publication | undefined;
  let sinceMs = 0;
  let isKnown = false;
  return {
    note(publication) {
      isKnown = publication?.problems.length === 0;
      if (publication === undefined) return;
      if (publication.version !== seen?.version) sinceMs = steadyMs();
      seen = publication;
    },
    publishedForMs({ pem }) {
      if (!isKnown || seen === undefined || seen.bundles.length === 0) return 0;
      return seen.bundles.every((bundle) => bundle.includes(pem.trim())) ? steadyMs() - sinceMs : 0;
    },
  };
}
