// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { NadObject } from '../nad/rule.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { NodeFacts, NodeSelection } from '../plan/match-node.ts';
import type { ExplicitConfig } from '../plan/read-explicit.ts';
import type { Devices } from '../pod/count-demand.ts';
import type { PodObject } from '../pod/read-pod.ts';

/** Everything that the walk is given. What could not be read is undefined, and rules that need it say nothing. */
export interface WhyFacts {
  /** The only one where policies count. */
  readonly policyNamespace: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly nodes: ReadonlyMap<string, NodeStanding>;
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** Also those of other namespaces, as far as they were read; they have the fault PolicyOutsideNamespace. */
  readonly policies: readonly Policy[];
  /** By `namespace/name`. */
  readonly networks: ReadonlyMap<string, NadObject>;
  /** By the node's name. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  readonly explicit: ExplicitConfig | undefined;
  /** The pod that is asked about. */
  readonly pod: PodStanding | undefined;
  /** By the node's name; of nodes that are not in it nobody asked. */
  readonly holders: ReadonlyMap<string, readonly Holder[]>;
  readonly plugin: PluginStanding | 'absent' | undefined;
  readonly webhook: WebhookStanding | 'absent' | undefined;
  /** When the certificates end that the API server is told to believe, in milliseconds since the epoch. */
  readonly authorities: readonly number[] | undefined;
  /** What the API server says when it is to call the webhook; empty when the webhook answers. */
  readonly call: string | undefined;
  /** Kinds that are not among the facts because they could not be read: `MacvtapNetworkNodePolicies`. */
  readonly unread: ReadonlySet<string>;
  /** DaemonSets of macvtap-cni, as `namespace/name`. */
  readonly upstream: readonly string[];
}

/** A Node with what it can give. */
export interface NodeStanding extends NodeFacts {
  /** Of our resources, without the prefix; those of which it has any. */
  readonly allocatable: Devices;
  readonly taints: readonly Taint[];
}

export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  /** NoSchedule, NoExecute or PreferNoSchedule. */
  readonly effect: string;
}

/** As a pod writes it; an absent key with Exists tolerates everything. */
export interface Toleration {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
  readonly effect?: string | undefined;
}

/** A pod with where it stands. */
export interface PodStanding {
  readonly object: PodObject;
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
  readonly isReady: boolean;
  readonly node: string | undefined;
  /** What was said of it last that speaks of a failure: a condition, or an event. */
  readonly said: string | undefined;
  /** An event says that its macvtap went with the parent. */
  readonly hasLostLink: boolean;
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
  /** Who makes a new one when it is deleted. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
}

/** A pod on a node, with what it holds of ours. */
export interface Holder {
  /** `namespace/name`. */
  readonly pod: string;
  readonly devices: Devices;
}

/** The node plugin's DaemonSet. */
export interface PluginStanding {
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
  /** By the node's name. */
  readonly pods: ReadonlyMap<string, PluginPod>;
}

export interface PluginPod {
  readonly name: string;
  readonly isReady: boolean;
  /** Why not: `ErrImageNeverPull: …`, `CrashLoopBackOff: …`. */
  readonly said: string | undefined;
  /** Its image cannot be had. */
  readonly lacksImage: boolean;
}

/** The webhook's Deployment. */
interface WebhookStanding {
  readonly replicas: number;
  readonly ready: number;
}
