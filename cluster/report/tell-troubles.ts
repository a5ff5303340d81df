// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import { isUnreachable } from '../api/is-unreachable.ts';

/** What stands in the way of several things, each tried on its own. */
export interface Troubles {
  failed(id: string, error: MacvtapError): void;
  /** It is done, or nobody wants it any more. */
  ended(id: string): void;
}

/**
 * Tells a trouble once for as long as it stays, whatever becomes of the others meanwhile, and, without an error, that none
 * is left. A server that is away is one trouble for all.
 */
export function tellTroubles(onState: (error: MacvtapError | undefined) => void): Troubles {
  const troubles = new Map<string, string>();
  return {
    failed(id, error) {
      const text = isUnreachable(error) ? error.code : error.message;
      const isKnown = [...troubles.values()].includes(text);
      troubles.set(id, text);
      if (!isKnown) onState(error);
    },
    ended(id) {
      if (troubles.delete(id) && troubles.size === 0) onState(undefined);
    },
  };
}
