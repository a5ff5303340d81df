// SPDX-License-Identifier: Apache-2.0
import type { StateData } from './state-codec.ts';

/** What a store holds, and which of its states this is: a write names the one that it replaces. */
export interface StoredData {
  readonly data: StateData;
  /** A Secret's resourceVersion, for example. */
  readonly version: string;
}

/** Where the replicas keep the certificate: a Secret, or a directory. Whoever throws says what to do about it. */
export interface CertificateStore {
  /** The newest there is, not a cached one; undefined when there is nothing, not even something empty. */
  read(signal: AbortSignal): Promise<StoredData | undefined>;
  /** Replaces all of it at once, if it still has the version (undefined: if there still is nothing). */
  write(data: StateData, expectedVersion: string | undefined, signal: AbortSignal): Promise<WriteResult>;
  /** Calls back when there may be something new; a look every so often is made anyway. */
  watch?(listener: () => void): Disposable;
}

/** `conflict`: somebody else was faster, and nothing was changed. */
export type WriteResult = 'written' | 'conflict';

/** Where clients get the authorities that they trust: webhook configurations, or a file. */
export interface BundlePublisher {
  /** The newest there is. */
  read(signal: AbortSignal): Promise<Publication>;
  watch?(listener: () => void): Disposable;
}

export interface Publication {
  /** Another one whenever any bundle was changed, even if it was changed back. */
  readonly version: string;
  /** The text of every place that could be read; empty where nothing is published yet. */
  readonly bundles: readonly string[];
  /** Places that should be there and could not be read, each with what to do about it. */
  readonly problems: readonly string[];
  /** Writes to all places that could be read, unless somebody changed one since this was read. */
  replace(bundle: string, signal: AbortSignal): Promise<WriteResult>;
}
