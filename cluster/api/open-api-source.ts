// SPDX-License-Identifier: Apache-2.0
import type { LiveSource } from '../source.ts';
import { ApiSource } from './api-source.ts';
import { openApiClient } from './client.ts';
import type { ConnectOptions } from './connect.ts';
import type { WatchScope } from './watched-kinds.ts';

/** Connects to an API server and follows it; the connection ends with the source. Raises ApiServerUnknown. */
export async function openApiSource({ kubeconfig, ...scope }: ConnectOptions & WatchScope): Promise<LiveSource> {
  await using undo = new AsyncDisposableStack();
  const client = undo.use(await openApiClient({ kubeconfig }));
  const source = undo.use(await ApiSource.open({ client, ...scope }));
  const opened = undo.move();
  return {
    get snapshot() {
      return source.snapshot;
    },
    get synced() {
      return source.synced;
    },
    get faults() {
      return source.faults;
    },
    get heardMs() {
      return source.heardMs;
    },
    onChange: (listener) => source.onChange(listener),
    lookups: source.lookups,
    origin: source.origin,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
