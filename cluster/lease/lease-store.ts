// SPDX-License-Identifier: Apache-2.0

import { MacvtapError } from '../../runtime/errors.ts';
import { isApiObject } from '../api/api-object.ts';
import type { ApiClient, ApiResponse } from '../api/client.ts';
import { refused } from '../api/refused.ts';
import { watchObject } from '../api/watch-object.ts';
import { isRecord } from '../objects/known-object.ts';
import type { LeaseRecord } from './decide-lease.ts';

/** A Lease as it was read, with its resourceVersion. */
interface ReadLease {
  readonly record: LeaseRecord;
  readonly version: string;
}

/** What is written of it; a time is left as it is where nothing is said of it. */
interface LeaseWrite extends LeaseRecord {
  readonly renewedAt: Date;
  readonly takenAt?: Date;
}

/** One Lease (coordination.k8s.io/v1). All but `watch` raise ApiServerRefused and what the client raises. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<ReadLease>;
  /** Writes if the Lease still has the version; returns the new one. */
  write(lease: LeaseWrite, version: string, signal: AbortSignal): Promise<string | 'conflict'>;
  /** Told when it may have changed. */
  watch(listener: () => void): Disposable;
}

export interface LeaseStoreOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The Lease is made by the chart and never here: a right to create cannot be limited to a name. A merge patch that names
 * the version which it replaces lets only one of two writers pass.
 */
export function createLeaseStore({ client, namespace, name }: LeaseStoreOptions): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  const what = `Lease ${namespace}/${name}`;
  return {
    async read(signal) {
      const answer = await client.request('GET', path, undefined, { signal });
      if (answer.status === 404) throw gone(what, answer);
      const lease = readLease(answer);
      if (lease === undefined) throw refused(`get ${what}`, answer);
      return lease;
    },
    async write(lease, resourceVersion, signal) {
      const body = { metadata: { resourceVersion }, spec: toSpec(lease) };
      const options = { contentType: 'application/merge-patch+json', signal };
      const answer = await client.request('PATCH', `${path}?${manager}`, body, options);
      // Changed or deleted meanwhile: whoever reads again sees which.
      if (answer.status === 409 || answer.status === 404) return 'conflict';
      const written = readLease(answer);
      if (written === undefined) throw refused(`write ${what}`, answer);
      return written.version;
    },
    watch: (listener) => watchObject({ client, what, path: collection, name, listener }),
  };
}

const manager = new URLSearchParams({ fieldManager: 'kube-macvtap-webhook' });

/** Where a Lease says nothing it is nobody's. */
function readLease({ status, body }: ApiResponse): ReadLease | undefined {
  if (status !== 200 || !isApiObject(body)) return undefined;
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = isRecord(body.spec) ? body.spec : {};
  return {
    version: String(body.metadata.resourceVersion),
    record: {
      holder: typeof holderIdentity === 'string' && holderIdentity !== '' ? holderIdentity : undefined,
      durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1_000 : 0,
      transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    },
  };
}

/** A merge patch takes null for a field that is to go; the API takes whole seconds, one at least. */
function toSpec({ holder, durationMs, transitions, renewedAt, takenAt }: LeaseWrite): object {
  return {
    holderIdentity: holder ?? null,
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1_000)),
    leaseTransitions: transitions,
    renewTime: toMicroTime(renewedAt),
    ...(takenAt !== undefined && { acquireTime: toMicroTime(takenAt) }),
  };
}

/** metav1.MicroTime is read with six digits after the second, no more and no fewer (RFC3339Micro). */
function toMicroTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}

function gone(what: string, { status }: ApiResponse): MacvtapError {
  const text = `${what} is gone, and this service account may not make it: apply the chart again`;
  return new MacvtapError('ApiServerRefused', text, { facts: { status } });
}
