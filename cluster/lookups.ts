// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { Labels } from '../policy/plan/match-labels.ts';
import type { NetworkAttachmentDefinition } from './snapshot.ts';

/**
 * Live look-ups of what the snapshot has not seen yet: objects of one `kubectl apply` arrive milliseconds apart. One
 * request each; undefined means that the object is not there. Raises LookupFailed when that cannot be said in time.
 */
export interface Lookups {
  network(namespace: string, name: string, signal: AbortSignal): Promise<NetworkAttachmentDefinition | undefined>;
  /** The labels of a namespace. */
  namespace(name: string, signal: AbortSignal): Promise<Labels | undefined>;
  policies(signal: AbortSignal): Promise<readonly Policy[]>;
}
