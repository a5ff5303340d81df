// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from './client.ts';
import { ListWatch } from './list-watch.ts';

export interface WatchObjectOptions {
  readonly client: ApiClient;
  /** @example 'Secret macvtap-cni/kube-macvtap-webhook-tls' */
  readonly what: string;
  /** Of the collection. */
  readonly path: string;
  readonly name: string;
  /** The object was made, changed or deleted, or it cannot be watched: look. */
  readonly listener: () => void;
}

/**
 * Tells when an object may have changed; nothing of it but its metadata is transferred. A role that grants the object by
 * its name grants this too, since the name is the selector.
 */
export function watchObject({ client, what, path, name, listener }: WatchObjectOptions): Disposable {
  let isOver = false;
  const watch = new ListWatch({
    client,
    resource: { what, path, fieldSelector: `metadata.name=${name}`, metadataOnly: true },
    trim: ({ metadata: { name: itsName, resourceVersion = '' } }) => ({ metadata: { name: itsName, resourceVersion } }),
    onChange: () => {
      if (!isOver) listener();
    },
  });
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      void watch[Symbol.asyncDispose]();
    },
  };
}
