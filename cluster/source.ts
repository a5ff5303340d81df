// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../policy/plan/from-explicit.ts';
import type { Labels, NodeFacts } from '../policy/plan/match-labels.ts';
import type { ClaimKind } from '../policy/pod/read-claims.ts';
import type { ApiClient } from './api/client.ts';

/** The fields of a NetworkAttachmentDefinition that the program reads. */
export interface NetworkAttachmentDefinition {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    /** Absent for an object from a file. */
    readonly uid?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly config?: string };
}

/**
 * The known state of the cluster at one moment. Each change creates a new snapshot, so that a reader never sees a
 * mixture of old and new objects.
 */
export interface Snapshot {
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly policies: readonly Policy[];
  /** By `namespace/name`. */
  readonly networks: ReadonlyMap<string, NetworkAttachmentDefinition>;
  /** By the name of the node. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** Nodes whose state is left out, with the reason. They are not in `nodeStates`. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** macvtap-cni's config map, or undefined if it does not exist. */
  readonly explicit: ExplicitConfig | undefined;
}

/** The snapshot of a source that has read nothing yet. */
export const emptySnapshot: Snapshot = {
  nodes: new Map(),
  namespaces: new Map(),
  policies: [],
  networks: new Map(),
  nodeStates: new Map(),
  leftOut: new Map(),
  explicit: undefined,
};

/**
 * An error in an object, or an outage. `createObjectReader` (for a cluster) and `ManifestsSource` (for a directory)
 * describe which version of an invalid object is in force.
 */
export interface SourceFault {
  /** The place of the error, as precise as possible: `policies.yaml, document 2, line 14`. */
  readonly where: string;
  /** The problem and its fix. */
  readonly message: string;
  /** True if the source itself is unreachable, so that newer objects are unknown. */
  readonly isOutage?: true;
  /** For macvtap-cni's config map, the error without the place. */
  readonly explicit?: string;
}

/** A source of Kubernetes objects: a directory of manifests, or an API server. */
export interface Source extends AsyncDisposable {
  readonly snapshot: Snapshot;
  /** False until all objects have been read once. Until then, an empty snapshot does not mean an empty cluster. */
  readonly synced: boolean;
  /** Errors that prevent the newest objects from taking effect. The list is empty if all objects are in force. */
  readonly faults: readonly SourceFault[];
  /** Calls the listener after the snapshot or `faults` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

/** A source that can also look up objects that its snapshot does not contain yet. */
export interface LiveSource extends Source {
  readonly lookups: Lookups;
  readonly origin: SourceOrigin;
  /**
   * When the objects of each kind were last confirmed, on the clock of performance.now(). A time is undefined before
   * the first complete read. For a directory, the only key is `manifests`.
   */
  readonly confirmedMs: ReadonlyMap<string, number | undefined>;
}

/** The place from which a source reads. Reports are written to the same place. */
export type SourceOrigin =
  | {
      readonly kind: 'cluster';
      /** Can be used until the source ends. */
      readonly client: ApiClient;
      /** The highest `matchedNodes` of all policy statuses, or undefined if no status has the number yet. */
      readonly mostMatched: number | undefined;
    }
  | {
      readonly kind: 'manifests';
      readonly directory: string;
      /** Returns all places of an object. For `Node worker-1`, a place is `nodes.yaml, document 1, line 1`. */
      placesOf(id: string): readonly string[];
    };

/**
 * Looks up objects that the snapshot does not contain yet, because the objects of one `kubectl apply` arrive
 * milliseconds apart. Each look-up is one request. Undefined means that the object does not exist. Raises LookupFailed
 * after an error or a time-out.
 */
export interface Lookups {
  network(namespace: string, name: string, signal: AbortSignal): Promise<NetworkAttachmentDefinition | undefined>;
  /** The labels of a namespace. */
  namespace(name: string, signal: AbortSignal): Promise<Labels | undefined>;
  policies(signal: AbortSignal): Promise<readonly Policy[]>;
  /** Returns a ResourceClaim or ResourceClaimTemplate. Without version v1 of its API, returns one without requests. */
  claim(kind: ClaimKind, namespace: string, name: string, signal: AbortSignal): Promise<object | undefined>;
}
