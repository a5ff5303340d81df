// SPDX-License-Identifier: Apache-2.0
import { isIntact, type RenewalFacts } from './decide-renewal.ts';
import { coversNames } from './names.ts';
import type { Pair } from './pair.ts';

/**
 * Which pair a replica serves from now on. What it serves already, and clients accept, it gives up for the current one only
 * when it has itself seen that one's authority published for the overlap: a state that hands wrote, or that another
 * replica had to make in haste, is not taken for more than it is.
 */
export function chooseServed(facts: RenewalFacts): Pair | undefined {
  const { stored, served, now, names, publishedForMs, settings } = facts;
  const { current } = stored;
  if (current === undefined || served === undefined || current.certPem === served.certPem) return current ?? served;
  const isAccepted = (pair: Pair) => isIntact(pair, now) && coversNames(pair, names);
  if (!isAccepted(served)) return isIntact(current, now) || !isIntact(served, now) ? current : served;
  return isAccepted(current) && publishedForMs(current.authority) >= settings.overlapMs ? current : served;
}
