// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Lookups } from '../lookups.ts';
import type { Snapshot } from '../snapshot.ts';

/** Looks objects up in a directory of manifests; `reread` resolves with what its files hold now, or raises. */
export function createManifestsLookups(reread: () => Promise<Snapshot>): Lookups {
  const read = async <Value>(signal: AbortSignal, choose: (snapshot: Snapshot) => Value): Promise<Value> => {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return choose(await Promise.race([ended, reread()]));
    } catch (thrown) {
      const { message } = MacvtapError.from(thrown);
      throw new MacvtapError('LookupFailed', `the manifests were not read again: ${message}`, { cause: thrown });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  return {
    network: (namespace, name, signal) => read(signal, ({ networks }) => networks.get(`${namespace}/${name}`)),
    namespace: (name, signal) => read(signal, ({ namespaces }) => namespaces.get(name)),
    policies: (signal) => read(signal, ({ policies }) => policies),
  };
}
