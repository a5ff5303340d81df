// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../cluster/snapshot.ts';
import type { NadObject } from '../policy/nad/rule.ts';
import { networkKey } from '../policy/pod/count-demand.ts';
import type { NetworkRef } from '../policy/pod/parse-networks.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { ReviewDeps } from './review-deps.ts';

export type Networks = ReadonlyMap<string, NadObject>;

/** More than a pod has interfaces; its annotation, of up to 256 KiB, could name fifty thousand. */
const maxLookups = 64;

/**
 * The networks that a pod names: those of the snapshot, without I/O; and one GET for each that it has not seen, all side
 * by side. What is not there either is left out. Raises LookupFailed, also for more than are looked up: nobody may be told
 * that a network is missing which was not looked for.
 */
export function findNetworks(
  named: readonly NetworkRef[],
  { source, lookups }: ReviewDeps,
  deadline: () => AbortSignal,
): Networks | Promise<Networks> {
  const known: Snapshot['networks'] = source.snapshot.networks;
  const missing = new Map(named.map((ref) => [networkKey(ref), ref] as const).filter(([key]) => !known.has(key)));
  if (missing.size === 0) return known;
  if (missing.size > maxLookups) return Promise.reject(tooMany(missing.size));
  return lookUp([...missing.values()], lookups, deadline()).then((found) => {
    const seen = named.flatMap((ref) => {
      const nad = known.get(networkKey(ref));
      return nad === undefined ? [] : [[networkKey(ref), nad] as const];
    });
    return new Map<string, NadObject>([...seen, ...found]);
  });
}

function tooMany(count: number): MacvtapError {
  const text = `the pod names ${count} networks that are not known here, and at most ${maxLookups} are looked up`;
  return new MacvtapError('LookupFailed', `${text}; mend their names, or create them some time before the pod`);
}

async function lookUp(
  refs: readonly NetworkRef[],
  lookups: ReviewDeps['lookups'],
  signal: AbortSignal,
): Promise<readonly (readonly [string, NadObject])[]> {
  const found = await Promise.all(
    refs.map(async (ref) => [networkKey(ref), await lookups.network(ref.namespace, ref.name, signal)] as const),
  );
  return found.flatMap(([key, nad]) => (nad === undefined ? [] : [[key, nad] as const]));
}
