// SPDX-License-Identifier: Apache-2.0
import { readNad } from '../nad/read-nad.ts';
import type { ScopedNetwork } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** A network by its `namespace/name`, as far as there is one. */
export function scopeNetwork(key: string, { networks }: WhyFacts): ScopedNetwork {
  const object = networks.get(key);
  const facts = object === undefined ? undefined : readNad(object);
  return { key, facts, exists: object !== undefined, resource: facts?.resource };
}
