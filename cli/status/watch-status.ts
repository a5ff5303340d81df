// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';
import type { OutputFormat } from '../output/output-flag.ts';
import type { View } from '../view/view.ts';
import { buildStatus } from './build-status.ts';
import { followCluster } from './follow-cluster.ts';
import { followDirectory } from './follow-directory.ts';
import { openScreen, type StatusScreen } from './status-screen.ts';

/** Changes come in bursts; what comes within this time is drawn once. */
const quietMs = 100;

interface WatchOptions {
  readonly output: OutputFormat;
  /** Only this one. */
  readonly node: string | undefined;
}

/**
 * Shows the status and every change of it until the signal ends: on a terminal drawn anew, elsewhere by what changed.
 * Whoever reads it may go, which ends it, too.
 */
export async function watchStatus(
  { output, node }: WatchOptions,
  view: View,
  stream: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<void> {
  let changed = Promise.withResolvers<void>();
  const poke = () => changed.resolve();
  const ended = new AbortController();
  const end = AbortSignal.any([signal, ended.signal]);
  const onError = () => ended.abort();
  stream.on('error', onError);
  stream.on('resize', poke);
  end.addEventListener('abort', poke);
  try {
    await using feed = await (view.client === undefined
      ? followDirectory(view, poke)
      : followCluster(view.client, view.policyNamespace, poke));
    const screen: StatusScreen = openScreen(output, stream);
    while (!end.aborted) {
      changed = Promise.withResolvers();
      screen.show(buildStatus(await feed.read(), node), feed.troubles);
      await changed.promise;
      await wait(quietMs, undefined, { signal: end }).catch(() => {});
    }
  } finally {
    stream.off('error', onError);
    stream.off('resize', poke);
  }
}
