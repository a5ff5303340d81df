// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ApiClient } from '../api/client.ts';
import { keepLease, type LeaseKeeper, type LeaseKeeperOptions } from './keep-lease.ts';
import { createLeaseStore } from './lease-store.ts';

export interface CandidateOptions extends Omit<LeaseKeeperOptions, 'store' | 'identity'> {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}

/** Stands for a Lease as this process: as with Kubernetes' own components, by the pod's name and something of its own. */
export function standForLease({ client, namespace, name, ...rest }: CandidateOptions): LeaseKeeper {
  return keepLease({
    ...rest,
    store: createLeaseStore({ client, namespace, name }),
    identity: `${hostname()}_${randomUUID()}`,
  });
}
