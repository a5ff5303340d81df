// SPDX-License-Identifier: Apache-2.0
import type { NadObject } from '../nad/rule.ts';
import type { Offers } from '../offers/offers.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { NetworkScope } from './parse-networks.ts';
import type { PodObject } from './read-pod.ts';

/** What a pod is judged by, beside itself. */
export interface PodContext extends NetworkScope {
  /** Of the pod's namespace; undefined where they are not known. */
  readonly namespaceLabels: Labels | undefined;
  /** The networks that exist, by `namespace/name`: at least those that the pod names. */
  readonly networks: ReadonlyMap<string, NadObject>;
  readonly offers: Offers;
  /** On an update: the pod as it was. */
  readonly before?: PodObject;
}
