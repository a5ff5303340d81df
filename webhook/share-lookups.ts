// SPDX-License-Identifier: Apache-2.0
import type { Lookups } from '../cluster/lookups.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { LookupKind, ReviewRecorder } from './record-reviews.ts';

export interface SharedLookupsOptions {
  readonly lookups: Lookups;
  readonly recorder: Pick<ReviewRecorder, 'lookup'>;
  /** Of one request, whoever waits for it. */
  readonly deadlineMs: number;
}

/**
 * Look-ups that reviews share: what many ask at once is asked once. Whoever comes while a request is under way waits for
 * the next one, which begins when that one ends: the running one may have looked before his object was there. So at
 * most one request for each thing is under way. Raises LookupFailed, also when the caller's own deadline comes first.
 */
export function shareLookups({ lookups, recorder, deadlineMs }: SharedLookupsOptions): Lookups {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<unknown>>();

  const begin = async <T>(key: string, kind: LookupKind, ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    await running.get(key)?.catch(() => {});
    // From here on callers are too late for this request.
    const request = unlessAborted(ask, AbortSignal.timeout(deadlineMs), key);
    running.set(key, request);
    next.delete(key);
    try {
      const found = await request;
      recorder.lookup(kind, found === undefined ? 'absent' : 'found');
      return found;
    } catch (thrown) {
      recorder.lookup(kind, 'failed');
      throw asLookupFailed(key, thrown);
    } finally {
      if (running.get(key) === request) running.delete(key);
    }
  };
  const share = <T>(
    key: string,
    kind: LookupKind,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    let shared = next.get(key) as Promise<T> | undefined;
    if (shared === undefined) {
      shared = begin(key, kind, ask);
      next.set(key, shared);
    }
    return unlessAborted(() => shared, signal, key);
  };
  return {
    network: (namespace, name, signal) =>
      share(`NetworkAttachmentDefinition ${namespace}/${name}`, 'network', signal, (own) =>
        lookups.network(namespace, name, own),
      ),
    namespace: (name, signal) => share(`Namespace ${name}`, 'namespace', signal, (own) => lookups.namespace(name, own)),
    policies: (signal) => share('MacvtapNetworkNodePolicies', 'policies', signal, (own) => lookups.policies(own)),
  };
}

/** What comes first: the request's result, or LookupFailed when the signal ends. */
async function unlessAborted<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  what: string,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(new MacvtapError('LookupFailed', `${what} was not read in time; try again`, { cause: signal.reason }));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    // Called inside a promise: what it throws at once must not leave the other one unhandled.
    return await Promise.race([aborted, Promise.try(ask, signal)]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function asLookupFailed(what: string, thrown: unknown): MacvtapError {
  if (thrown instanceof MacvtapError && thrown.code === 'LookupFailed') return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new MacvtapError('LookupFailed', `${what} could not be read: ${text}; try again`, { cause: thrown });
}
