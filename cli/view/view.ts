// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import type { Snapshot, SourceFault } from '../../cluster/source.ts';
import { printable } from '../../runtime/terminal-text.ts';
import { printToStderr } from '../output/print.ts';
import type { ObjectKind } from './objects.ts';

/**
 * The cluster that a command works on. It is read once, from an API server or from files. Disposing of it closes the
 * connection.
 */
export interface View extends AsyncDisposable {
  /** The address of the API server, or the directory. @example 'https://10.0.0.1:6443' */
  readonly where: string;
  readonly policyNamespace: string;
  /** The objects that plans depend on, as far as they could be read. */
  readonly snapshot: Snapshot;
  /** Objects that are ignored or invalid, with reasons. */
  readonly faults: readonly SourceFault[];
  /** Parts of the snapshot and of later lists that could not be read. Objects of these kinds may exist. */
  readonly missing: readonly MissingPart[];
  /**
   * Lists more objects, without managedFields and in the server's order. If they cannot be read, returns undefined and
   * adds the reason to `missing`. If the API server does not answer, raises the errors of `openView`.
   */
  list(query: ObjectQuery): Promise<readonly ApiObject[] | undefined>;
  /** The client for requests other than lists, such as logs and dry runs. Undefined if the view comes from files. */
  readonly client: ApiClient | undefined;
}

/** Selects objects of a kind. Each further field narrows the selection. */
export interface ObjectQuery {
  readonly kind: ObjectKind;
  readonly namespace?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Field paths and their values. The API server must support the field selector.
   *
   * @example { 'spec.nodeName': 'worker-1' }
   */
  readonly fields?: Readonly<Record<string, string>>;
  /**
   * Reduces each object from an API server to the parts that are used, as soon as its page arrives. Thousands of
   * complete Nodes and pods take much memory.
   */
  readonly keep?: (object: ApiObject) => ApiObject;
}

/** A part of the cluster that could not be read. */
export interface MissingPart {
  /** @example 'Nodes' */
  readonly what: string;
  /** The reason. If a right is missing, the reason names it. @example 'the right to list nodes is missing' */
  readonly message: string;
  /** Set if the cluster does not have the kind at all. */
  readonly isAbsent?: true;
}

/**
 * Prints the parts that could not be read to standard error, so that a reader does not assume that their objects do not
 * exist.
 */
export function printUnread({ missing, faults }: Pick<View, 'missing' | 'faults'>): void {
  for (const { what, message } of missing) printToStderr(printable(`${what}: not read: ${message}`));
  for (const { where, message } of faults) printToStderr(printable(`${where}: ${message}`));
}
