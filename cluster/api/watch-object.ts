// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from './client.ts';
import { ListWatch } from './list-watch.ts';

export interface WatchObjectOptions {
  readonly client: ApiClient;
  /** @example 'Secret macvtap-cni/kube-macvtap-webhook-tls' */
  readonly what: string;
  /** The path of the collection. */
  readonly path: string;
  readonly name: string;
  /** Called when the object was created, changed or deleted, and when it cannot be watched. */
  readonly listener: () => void;
}

/**
 * Calls the listener when an object may have changed. Only the metadata of the object is transferred. A role that
 * grants access to the object by name also permits this watch, because the field selector contains the name.
 */
export function watchObject({ client, what, path, name, listener }: WatchObjectOptions): Disposable {
  let isDisposed = false;
  const watch = new ListWatch({
    client,
    resource: { what, path, fieldSelector: `metadata.name=${name}`, metadataOnly: true },
    trim: ({ metadata }) => ({ metadata: { name: metadata.name, resourceVersion: metadata.resourceVersion ?? '' } }),
    onChange: () => {
      if (!isDisposed) listener();
    },
  });
  return {
    [Symbol.dispose]: () => {
      isDisposed = true;
      void watch[Symbol.asyncDispose]();
    },
  };
}
