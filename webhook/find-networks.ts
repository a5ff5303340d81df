// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../cluster/snapshot.ts';
import type { NadObject } from '../policy/nad/rule.ts';
import { lacksResource } from '../policy/pod/check-networks-annotated.ts';
import { networkKey } from '../policy/pod/count-demand.ts';
import type { NetworkRef } from '../policy/pod/parse-networks.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { ReviewDeps } from './review-deps.ts';

export type Networks = ReadonlyMap<string, NadObject>;

/** More than a pod has interfaces; its annotation, of up to 256 KiB, could name fifty thousand. */
const maxLookups = 64;

/**
 * The networks that a pod names: those of the snapshot, without I/O; and one GET for each that it has not seen, or that
 * names no resource, all side by side. Such a one may have been mended just now: it and the pod come by one apply, and
 * without a device the pod would be of no use. What is not there either is left out. Raises LookupFailed, also for more
 * than are looked up: nobody may be told that a network is missing which was not looked for. One that is known and cannot be
 * read stands as it is known.
 */
export function findNetworks(
  named: readonly NetworkRef[],
  { source, lookups }: ReviewDeps,
  deadline: () => AbortSignal,
): Networks | Promise<Networks> {
  const known: Snapshot['networks'] = source.snapshot.networks;
  const refs = new Map(named.map((ref) => [networkKey(ref), ref]));
  const missing = [...refs].filter(([key]) => !known.has(key)).map(([, ref]) => ref);
  const bare = [...refs].flatMap(([key, ref]) => {
    const nad = known.get(key);
    return nad !== undefined && lacksResource(nad) ? [{ key, ref, nad }] : [];
  });
  if (missing.length + bare.length === 0) return known;
  if (missing.length > maxLookups) return Promise.reject(tooMany(missing.length));
  const signal = deadline();
  const read = ({ namespace, name }: NetworkRef) => lookups.network(namespace, name, signal);
  const asked = [
    ...missing.map(async (ref) => [networkKey(ref), await read(ref)] as const),
    ...bare
      .slice(0, maxLookups - missing.length)
      .map(async ({ key, ref, nad }) => [key, await read(ref).catch(() => nad)] as const),
  ];
  return Promise.all(asked).then((answers) => {
    const live = new Map<string, NadObject | undefined>(answers);
    return new Map(
      [...refs.keys()].flatMap((key) => {
        const nad = live.has(key) ? live.get(key) : known.get(key);
        return nad === undefined ? [] : [[key, nad] as const];
      }),
    );
  });
}

function tooMany(count: number): MacvtapError {
  const text = `the pod names ${count} networks that are not known here, and at most ${maxLookups} are looked up`;
  return new MacvtapError('LookupFailed', `${text}; mend their names, or create them some time before the pod`);
}
