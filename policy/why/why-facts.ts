// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { NadObject } from '../nad/read-nad.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../plan/from-explicit.ts';
import type { Labels, NodeFacts, NodeSelection } from '../plan/match-labels.ts';
import type { Devices } from '../pod/count-demand.ts';
import type { KnownClaims } from '../pod/read-claims.ts';
import type { PodObject } from '../pod/read-pod.ts';

/**
 * All facts about the cluster that rules use. A fact that could not be read is undefined; rules that need it find
 * nothing.
 */
export interface WhyFacts {
  /** The only namespace in which policies have an effect. */
  readonly policyNamespace: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly nodes: ReadonlyMap<string, NodeSummary>;
  readonly namespaces: ReadonlyMap<string, Labels>;
  /** All policies that were read. Those in other namespaces have the error PolicyOutsideNamespace. */
  readonly policies: readonly Policy[];
  /** The namespace in which Multus looks for default networks whose name includes no namespace. */
  readonly multusNamespace: string;
  /** By `namespace/name`. */
  readonly networks: ReadonlyMap<string, NadObject>;
  /** By node name. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** Nodes whose report is ignored, with the reason. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly explicit: ExplicitConfig | undefined;
  /** The pod to explain. */
  readonly pod: PodSummary | undefined;
  /** The claims and templates that the pod names. */
  readonly claims?: KnownClaims;
  /** The names of all DeviceClasses. Read only if a node uses dynamic resource allocation. */
  readonly deviceClasses?: ReadonlySet<string>;
  /** By node name. If a node is missing, its pods were not read. */
  readonly holders: ReadonlyMap<string, readonly Holder[]>;
  readonly plugin: PluginSummary | 'absent' | undefined;
  readonly webhook: WebhookSummary | 'absent' | undefined;
  /** When the CA certificates in the webhook configurations expire, in milliseconds since the epoch. */
  readonly authorities: readonly number[] | undefined;
  /** The API server's error when it calls the webhook; empty if the webhook answers. */
  readonly call: string | undefined;
  /** Kinds that could not be read, in the plural: `MacvtapNetworkNodePolicies`. */
  readonly unread: ReadonlySet<string>;
  /** DaemonSets of macvtap-cni, as `namespace/name`. */
  readonly upstream: readonly string[];
}

/** A Node with its devices and taints. */
export interface NodeSummary extends NodeFacts {
  /**
   * The macvtap resources with at least one device, without the prefix. If the node uses dynamic resource allocation,
   * its NodeState lists them, because the Node does not.
   */
  readonly allocatable: Devices;
  readonly taints: readonly Taint[];
}

export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  /** NoSchedule, NoExecute or PreferNoSchedule. */
  readonly effect: string;
}

/** A toleration in a pod's spec. With operator Exists and no key, it tolerates every taint. */
export interface Toleration {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
  readonly effect?: string | undefined;
}

/** A pod with its phase, node and last failure. */
export interface PodSummary {
  readonly object: PodObject;
  readonly namespace: string;
  readonly name: string;
  readonly phase: string;
  readonly isReady: boolean;
  readonly node: string | undefined;
  /** The message of the newest condition or event that reports a failure. */
  readonly said: string | undefined;
  /** True if an event reports that the pod lost its macvtap, with the parent or without it. */
  readonly hasLostLink: boolean;
  /** True if an event reports that the MTU of the pod's macvtap was lowered together with that of the parent. */
  readonly hasLoweredMTU: boolean;
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
  /** The controller that recreates the pod. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
}

/** A pod on a node, with the macvtap devices that it holds. */
export interface Holder {
  /** `namespace/name`. */
  readonly pod: string;
  readonly devices: Devices;
}

/** The node plugin's DaemonSet. */
export interface PluginSummary {
  /** The name of the DaemonSet, which depends on the values of the chart. */
  readonly name: string;
  /** The name of the Helm release; undefined if the DaemonSet has no label with it. */
  readonly release: string | undefined;
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
  /** By node name. */
  readonly pods: ReadonlyMap<string, PluginPod>;
}

export interface PluginPod {
  readonly name: string;
  readonly isReady: boolean;
  /** Why the pod is not Ready: `ErrImageNeverPull: …`, `CrashLoopBackOff: …`. */
  readonly said: string | undefined;
  /** True if the image cannot be pulled. */
  readonly lacksImage: boolean;
}

/** The webhook's Deployment. */
interface WebhookSummary {
  /** The name of the Deployment, which depends on the values of the chart. */
  readonly name: string;
  readonly replicas: number;
  readonly ready: number;
}

/** The object that `why` explains. Pods, networks and policies have a namespace. */
export type Subject =
  | { readonly kind: 'pod' | 'nad' | 'policy'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string };

/** The Kubernetes kind of each subject. */
export const kindNames = {
  pod: 'Pod',
  nad: 'NetworkAttachmentDefinition',
  node: 'Node',
  policy: 'MacvtapNetworkNodePolicy',
} as const satisfies Record<Subject['kind'], string>;

/** Returns `default/vm`, or `h1` for a node. */
export function nameOf(subject: Subject): string {
  return subject.kind === 'node' ? subject.name : `${subject.namespace}/${subject.name}`;
}

/**
 * Returns whether a webhook call failed because of the certificate. Source: crypto/x509 verify.go, whose errors start
 * with x509.
 */
export function isCertificateError(text: string): boolean {
  return text.includes('x509:');
}
