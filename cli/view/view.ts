// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { SourceFault } from '../../cluster/source.ts';
import type { ObjectKind } from './object-kinds.ts';

/** A cluster as a command sees it: read once, from an API server or from files. Ends the connection with its scope. */
export interface View extends AsyncDisposable {
  /** A cluster's server or a directory. @example 'https://10.0.0.1:6443' */
  readonly where: string;
  readonly policyNamespace: string;
  /** What every command may look at, as far as it could be read. */
  readonly snapshot: Snapshot;
  /** Objects that do not count as they are, and why. */
  readonly faults: readonly SourceFault[];
  /** What could not be read, of the snapshot and of what was listed since: what is not here is not known to be absent. */
  readonly missing: readonly MissingPart[];
  /**
   * More objects, whole but for managedFields, in the order of the server; undefined when they cannot be read, which
   * `missing` then tells. Raises what `openView` raises when nobody answers.
   */
  list(query: ObjectQuery): Promise<readonly ApiObject[] | undefined>;
  /** For what is no list of objects, such as logs; undefined for files. */
  readonly client: ApiClient | undefined;
}

/** Objects of a kind; every wish narrows it. */
export interface ObjectQuery {
  readonly kind: ObjectKind;
  readonly namespace?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** By path, as far as the API server selects by it. @example { 'spec.nodeName': 'worker-1' } */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A part of the cluster that could not be read. */
export interface MissingPart {
  /** @example 'Nodes' */
  readonly what: string;
  /** Why, and which right is missing where it is one. @example 'the right to list nodes is missing' */
  readonly message: string;
}
