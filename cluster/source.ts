// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from './api/client.ts';
import type { Lookups } from './lookups.ts';
import type { Snapshot } from './snapshot.ts';

/** Something that could not be taken in as it is. What it replaces stays in force, but for a policy of an API server. */
export interface SourceFault {
  /** Where it stands, as precisely as it is known: `policies.yaml, document 2, line 14`. */
  readonly where: string;
  /** What is wrong and what to do. */
  readonly message: string;
  /** The source itself is out of reach: whatever is newer is not known. */
  readonly isOutage?: true;
}

/** Where Kubernetes objects come from: a directory of manifests, or an API server. */
export interface Source extends AsyncDisposable {
  readonly snapshot: Snapshot;
  /** False until everything was read once: an empty snapshot must not be taken for an empty cluster. */
  readonly synced: boolean;
  /** What stands in the way of the newest state; empty when all of it is in force. */
  readonly faults: readonly SourceFault[];
  /** Called after the snapshot or the faults changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

/** A source that can also be asked for what its snapshot may not have seen yet. */
export interface LiveSource extends Source {
  readonly lookups: Lookups;
  readonly origin: SourceOrigin;
  /**
   * When the newest state was last known to be in force, by the kind of the objects, or `manifests` for all that files hold:
   * of performance.now(); undefined before everything was read once.
   */
  readonly heardMs: ReadonlyMap<string, number | undefined>;
}

/** What a source reads, for what is written back there. */
export type SourceOrigin =
  | {
      readonly kind: 'cluster';
      /** Ends with the source. */
      readonly client: ApiClient;
      /** The most nodes that a policy was ever said to select; undefined while no status has said anything. */
      readonly mostMatched: number | undefined;
    }
  | {
      readonly kind: 'manifests';
      readonly directory: string;
      /** Where an object stands, every time that it does: `nodes.yaml, document 1, line 1` for `Node worker-1`. */
      placesOf(id: string): readonly string[];
    };
