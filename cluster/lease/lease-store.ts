// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { refused } from '../api/api-errors.ts';
import { isApiObject } from '../api/api-resource.ts';
import type { ApiClient, ApiResponse } from '../api/client.ts';
import { watchObject } from '../api/list-watch.ts';

/** A Lease as it was read, with its resourceVersion. */
interface ReadLease {
  readonly record: LeaseRecord;
  readonly version: string;
}

/** The fields to write. If `takenAt` is absent, the acquire time stays unchanged. */
interface LeaseWrite extends LeaseRecord {
  readonly renewedAt: Date;
  readonly takenAt?: Date;
}

/** One Lease (coordination.k8s.io/v1). All but `watch` raise ApiServerRefused and the client's errors. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<ReadLease>;
  /** Writes the Lease if it still has the given version. Returns the new version. */
  write(lease: LeaseWrite, version: string, signal: AbortSignal): Promise<string | 'conflict'>;
  /** Calls the listener when the Lease may have changed. */
  watch(listener: () => void): Disposable;
}

export interface LeaseStoreOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Creates a store for one Lease. The chart creates the Lease itself, because RBAC cannot limit `create` to a name. A
 * write is a merge patch that includes the version it replaces, so only one of two concurrent writers succeeds.
 */
export function createLeaseStore({ client, namespace, name }: LeaseStoreOptions): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  const what = `Lease ${namespace}/${name}`;
  return {
    async read(signal) {
      const answer = await client.request('GET', path, undefined, { signal });
      if (answer.status === 404) throw missing(what, answer);
      const lease = readLease(answer);
      if (lease === undefined) throw refused(`get ${what}`, answer);
      return lease;
    },
    async write(lease, resourceVersion, signal) {
      const body = { metadata: { resourceVersion }, spec: toSpec(lease) };
      const options = { contentType: 'application/merge-patch+json', signal };
      const answer = await client.request('PATCH', `${path}?${manager}`, body, options);
      // The Lease was changed or deleted in the meantime. The caller reads it again.
      if (answer.status === 409 || answer.status === 404) return 'conflict';
      const written = readLease(answer);
      if (written === undefined) throw refused(`write ${what}`, answer);
      return written.version;
    },
    watch: (listener) => watchObject({ client, what, path: collection, name, listener }),
  };
}

const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

/** Reads a Lease. Without a holderIdentity it is free. */
function readLease({ status, body }: ApiResponse): ReadLease | undefined {
  if (status !== 200 || !isApiObject(body)) return undefined;
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = isJsonObject(body.spec) ? body.spec : {};
  return {
    version: String(body.metadata.resourceVersion),
    record: {
      holder: typeof holderIdentity === 'string' && holderIdentity !== '' ? holderIdentity : undefined,
      durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1_000 : 0,
      transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    },
  };
}

/** Returns the spec for a merge patch, in which null removes a field. The API requires whole seconds, at least one. */
function toSpec({ holder, durationMs, transitions, renewedAt, takenAt }: LeaseWrite): object {
  return {
    holderIdentity: holder ?? null,
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1_000)),
    leaseTransitions: transitions,
    renewTime: toMicroTime(renewedAt),
    ...(takenAt !== undefined && { acquireTime: toMicroTime(takenAt) }),
  };
}

/** Formats a time as metav1.MicroTime, which requires exactly six digits after the second (RFC3339Micro). */
function toMicroTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}

function missing(what: string, { status }: ApiResponse): MacvtapError {
  const text = `${what} does not exist, and this service account may not create it: apply the chart again`;
  return new MacvtapError('ApiServerRefused', text, { facts: { status } });
}

/** The fields of a Lease that decide who holds it. */
export interface LeaseRecord {
  /** Undefined if the Lease is free: released, or never acquired. */
  readonly holder: string | undefined;
  /** How long the Lease counts as held after the last renewal. */
  readonly durationMs: number;
  /** How often the Lease has changed its holder. */
  readonly transitions: number;
}

/** A candidate's view of the Lease. */
export interface LeaseSight {
  /** The identity of the candidate. */
  readonly identity: string;
  /**
   * How long the candidate has seen no change of the Lease, on its own clock. Clocks of different machines are never
   * compared.
   */
  readonly unchangedMs: number;
}

export type LeaseDecision =
  | { readonly what: 'take' | 'renew'; readonly transitions: number }
  | { readonly what: 'wait'; readonly ms: number };

/**
 * Decides whether a candidate takes a Lease, renews it, or waits. A free Lease is taken at once. A held Lease is taken
 * when its holder has not renewed it for the Lease's whole duration.
 */
export function decideLease(record: LeaseRecord, { identity, unchangedMs }: LeaseSight): LeaseDecision {
  const { holder, durationMs, transitions } = record;
  if (holder === identity) return { what: 'renew', transitions };
  if (holder === undefined) return { what: 'take', transitions: transitions + 1 };
  const leftMs = durationMs - unchangedMs;
  return leftMs > 0 ? { what: 'wait', ms: leftMs } : { what: 'take', transitions: transitions + 1 };
}
