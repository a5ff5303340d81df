// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from './snapshot.ts';

/** Something that could not be taken in; what it replaces, if anything, stays in force. */
export interface SourceFault {
  /** Where it stands, as precisely as it is known: `policies.yaml, document 2, line 14`. */
  readonly where: string;
  /** What is wrong and what to do. */
  readonly message: string;
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
