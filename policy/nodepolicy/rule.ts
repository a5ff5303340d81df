// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';
import type { Verdict } from '../reasons.ts';

export type PolicySpec = MacvtapNetworkNodePolicy['spec'];
export type ParentEntry = PolicySpec['parentSelector'][number];
export type NicSelector = NonNullable<ParentEntry['nicSelector']>;
export type LabelSelector = NonNullable<PolicySpec['nodeSelector']>;
export type NodeAffinity = NonNullable<PolicySpec['nodeAffinity']>;

/** A policy object as it comes from a file or the API server, its shape already checked by the schema. */
export interface PolicyObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
  };
  readonly spec: PolicySpec;
}

/** What a rule needs beside the object. */
export interface ReviewContext {
  /** The installation's namespace: the only one where policies count. */
  readonly policyNamespace: string;
}

/** One rule: collects all that it finds, in the order of the object. */
export type PolicyRule = (policy: PolicyObject, context: ReviewContext) => readonly Verdict[];
