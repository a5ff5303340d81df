// SPDX-License-Identifier: Apache-2.0
import type { Lookups } from '../../cluster/source.ts';
import { unlessAborted } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createSingleFlight } from '../../runtime/locks.ts';
import { type BucketSize, createTokenBucket, type TokenBucket } from '../../runtime/token-bucket.ts';
import type { LookupKind, WebhookRecorder } from '../telemetry/webhook-metrics.ts';

export interface SharedLookupsOptions {
  readonly lookups: Lookups;
  readonly recorder: Pick<WebhookRecorder, 'lookup'>;
  /** The time limit of one look-up, which may have several callers. */
  readonly deadlineMs: number;
  readonly budget: LookupBudget;
  readonly nowMs?: () => number;
}

/** Look-ups that admission requests share. Each look-up counts against the budget of one requester. */
export interface SharedLookups {
  of(requester: Requester): Lookups;
}

/** How long an answer is reused while the budget is low. The cache may be at least as old, because a watch may lag. */
const recentMs = 1_000;

/**
 * The maximum number of answers that are remembered. There is a limit because each answer contains an object. The
 * oldest is dropped first.
 */
const mostRecent = 256;

/**
 * Shares look-ups between admission requests, so that at most one look-up of each object is under way. A caller that
 * arrives during a look-up waits for the next one. The object may have been created after the running look-up read it.
 *
 * A look-up counts against the budget of the caller that causes it. While the budget is low, an answer from the last
 * second is reused. If the object was missing in that answer, the caller gets an error and must retry, because the
 * object may exist by now.
 *
 * Raises LookupFailed, also if the deadline of the caller comes first.
 */
export function shareLookups(options: SharedLookupsOptions): SharedLookups {
  const { lookups, recorder, deadlineMs, budget, nowMs = () => performance.now() } = options;
  const flight = createSingleFlight<unknown>();
  const recent = new Map<string, { readonly found: unknown; readonly atMs: number }>();

  const keep = (key: string, found: unknown): void => {
    recent.delete(key);
    recent.set(key, { found, atMs: nowMs() });
    for (const [oldest] of recent) if (recent.size > mostRecent) recent.delete(oldest);
  };
  const begin = async <T>(key: string, kind: LookupKind, ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      // Promise.try turns an exception that `ask` throws synchronously into a rejection.
      const found = await inTime(Promise.try(ask, deadline), deadline, key);
      recorder.lookup(kind, found === undefined ? 'absent' : 'found');
      keep(key, found);
      return found;
    } catch (thrown) {
      recorder.lookup(kind, 'failed');
      throw asLookupFailed(key, thrown);
    }
  };
  /**
   * Returns a recent answer, or undefined if no answer may be reused. Raises LookupFailed if the object was missing in
   * it.
   */
  const reuse = (key: string, requester: Requester): { readonly found: unknown } | undefined => {
    const last = recent.get(key);
    if (last === undefined || nowMs() - last.atMs > recentMs || !budget.isLow(requester)) return undefined;
    if (last.found === undefined) throw tooMany(`${key} did not exist a moment ago and is not looked up again yet`);
    return last;
  };
  const share = async <T>(
    { key, kind, requester }: { readonly key: string; readonly kind: LookupKind; readonly requester: Requester },
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    let shared = flight.waiting(key) as Promise<T> | undefined;
    if (shared === undefined) {
      const last = reuse(key, requester);
      if (last !== undefined) return last.found as T;
      if (!budget.take(requester)) {
        recorder.lookup(kind, 'limited');
        throw tooMany(`${key} was not looked up`);
      }
      shared = flight.call(key, () => begin(key, kind, ask)) as Promise<T>;
    }
    return await inTime(shared, signal, key);
  };
  return {
    of: (requester) => ({
      network: (namespace, name, signal) =>
        share({ key: `NetworkAttachmentDefinition ${namespace}/${name}`, kind: 'network', requester }, signal, (own) =>
          lookups.network(namespace, name, own),
        ),
      namespace: (name, signal) =>
        share({ key: `Namespace ${name}`, kind: 'namespace', requester }, signal, (own) =>
          lookups.namespace(name, own),
        ),
      claim: (kind, namespace, name, signal) =>
        share({ key: `${kind} ${namespace}/${name}`, kind: 'claim', requester }, signal, (own) =>
          lookups.claim(kind, namespace, name, own),
        ),
      policies: (signal) =>
        share({ key: 'MacvtapNetworkNodePolicies', kind: 'policies', requester }, signal, (own) =>
          lookups.policies(own),
        ),
    }),
  };
}

function tooMany(what: string): MacvtapError {
  return new MacvtapError('LookupFailed', `${what}: admission requests cause too many look-ups; try again`);
}

/** Returns the request's result. Raises LookupFailed if the signal aborts first. */
async function inTime<T>(request: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  try {
    return await unlessAborted(request, signal);
  } catch (thrown) {
    if (!signal.aborted || thrown !== signal.reason) throw thrown;
    throw new MacvtapError('LookupFailed', `${what} was not read in time; try again`, { cause: thrown });
  }
}

function asLookupFailed(what: string, thrown: unknown): MacvtapError {
  if (thrown instanceof MacvtapError && thrown.code === 'LookupFailed') return thrown;
  const { message } = MacvtapError.from(thrown);
  return new MacvtapError('LookupFailed', `${what} could not be read: ${message}; try again`, { cause: thrown });
}

/** The client and namespace against which a look-up counts. */
interface Requester {
  /** As `clientOf` returns it. */
  readonly client: string;
  /** The namespace of the object under review, as the client sent it. */
  readonly namespace: string;
}

/** Bounds the requests to the API server that admission requests cause. */
export interface LookupBudget {
  /** Whether recent answers should be reused. */
  isLow(requester: Requester): boolean;
  /**
   * Takes one request from the budget. Returns false if this exceeds the share of the requester or the common budget.
   */
  take(requester: Requester): boolean;
}

export interface BudgetSizes {
  readonly all: BucketSize;
  readonly client: BucketSize;
  readonly namespace: BucketSize;
}

/**
 * The sizes of the budgets. One admission request looks up at most 34 objects, and usually none. A namespace needs more
 * if many pods of new networks arrive in the same second, because each pod causes its own look-ups. A client needs even
 * more, because an API server sends the requests of many namespaces.
 */
const usualSizes: BudgetSizes = {
  all: { burst: 200, perSecond: 100 },
  client: { burst: 120, perSecond: 60 },
  namespace: { burst: 40, perSecond: 20 },
};

/** The fill level below which a bucket is low. */
const lowLevel = 0.5;

/**
 * Creates a budget with a share for each client and, within it, a share for each namespace that the client names. No
 * client can use up the share of another client. The second half of the common budget is reserved for clients with few
 * look-ups. A client that has used more than half of its own share cannot take from that half.
 */
export function createLookupBudget(sizes: BudgetSizes = usualSizes, nowMs?: () => number): LookupBudget {
  const all = createTokenBucket(sizes.all, nowMs);
  const clients = createBuckets(sizes.client, nowMs);
  const namespaces = createBuckets(sizes.namespace, nowMs);
  return {
    isLow: ({ client, namespace }) =>
      [clients.levelOf(client), namespaces.levelOf(nameOf(client, namespace)), all.level].some(
        (level) => level < lowLevel,
      ),
    take({ client, namespace }) {
      if (clients.levelOf(client) < lowLevel && all.level < lowLevel) return false;
      // Take from the smallest bucket first. If it refuses the request, nothing is taken from the others.
      return namespaces.of(nameOf(client, namespace)).take() && clients.of(client).take() && all.take();
    },
  };
}

function nameOf(client: string, namespace: string): string {
  return `${client} ${namespace}`;
}

/** Returns buckets by name. A full bucket is removed, so that only recently used names take memory. */
function createBuckets(size: BucketSize, nowMs?: () => number) {
  const buckets = new Map<string, TokenBucket>();
  const forgetFull = (): void => {
    for (const [name, bucket] of buckets) if (bucket.level === 1) buckets.delete(name);
  };
  return {
    levelOf: (name: string): number => buckets.get(name)?.level ?? 1,
    of(name: string): TokenBucket {
      const found = buckets.get(name);
      if (found !== undefined) return found;
      forgetFull();
      const made = createTokenBucket(size, nowMs);
      buckets.set(name, made);
      return made;
    },
  };
}
