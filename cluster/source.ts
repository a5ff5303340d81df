// SPDX-License-Identifier: Apache-2.0

import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { Labels } from '../policy/plan/match-labels.ts';
import type { ApiClient } from './api/client.ts';
import type { NetworkAttachmentDefinition, Snapshot } from './snapshot.ts';

/** An object with an error, or an outage. The last valid version of the object stays in force, except for policies. */
export interface SourceFault {
  /** The place of the error, as precise as possible: `policies.yaml, document 2, line 14`. */
  readonly where: string;
  /** The problem and the fix. */
  readonly message: string;
  /** The source itself is unreachable, so newer objects are unknown. */
  readonly isOutage?: true;
  /** If the object is macvtap-cni's config map, its error without the place. */
  readonly explicit?: string;
}

/** A source of Kubernetes objects: a directory of manifests, or an API server. */
export interface Source extends AsyncDisposable {
  readonly snapshot: Snapshot;
  /** False until all objects have been read once: an empty snapshot must not count as an empty cluster. */
  readonly synced: boolean;
  /** Errors that keep the newest objects from taking effect; empty if all objects are in force. */
  readonly faults: readonly SourceFault[];
  /** Calls the listener after the snapshot or `faults` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

/** A source that can also look up objects that are not in its snapshot yet. */
export interface LiveSource extends Source {
  readonly lookups: Lookups;
  readonly origin: SourceOrigin;
  /**
   * When the objects of each kind were last confirmed, on the clock of performance.now(). A directory has only the key
   * `manifests`. Undefined before the first complete read.
   */
  readonly confirmedMs: ReadonlyMap<string, number | undefined>;
}

/** The place from which a source reads, which is also where reports are written. */
export type SourceOrigin =
  | {
      readonly kind: 'cluster';
      /** Usable until the source ends. */
      readonly client: ApiClient;
      /** The highest `matchedNodes` of any policy status; undefined until a status contains the number. */
      readonly mostMatched: number | undefined;
    }
  | {
      readonly kind: 'manifests';
      readonly directory: string;
      /** Returns all places of an object, such as `nodes.yaml, document 1, line 1` for `Node worker-1`. */
      placesOf(id: string): readonly string[];
    };

/**
 * Looks up objects that are not in the snapshot yet: objects of one `kubectl apply` arrive milliseconds apart. Each
 * look-up is one request; undefined means that the object does not exist. Raises LookupFailed on an error or time-out.
 */
export interface Lookups {
  network(namespace: string, name: string, signal: AbortSignal): Promise<NetworkAttachmentDefinition | undefined>;
  /** The labels of a namespace. */
  namespace(name: string, signal: AbortSignal): Promise<Labels | undefined>;
  policies(signal: AbortSignal): Promise<readonly Policy[]>;
}
