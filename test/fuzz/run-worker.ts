// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FuzzResult } from './fuzz-target.ts';
import { makeShared, type Order, readSharedInput } from './shared-input.ts';

/** After this many milliseconds, an input counts as endless. */
const hangMs = 60_000;

/** The largest heap. A parser needs a small part of it for the longest input. */
const maxHeapMB = 512;

/**
 * Fuzzes one target in a worker. A worker that hangs, dies, or runs out of memory is reported as a failure with its
 * input.
 */
export async function runWorker(order: Omit<Order, 'shared'>): Promise<FuzzResult> {
  const shared = makeShared();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...order, shared } satisfies Order,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMB },
  });
  let [last, lastMs, isHung] = [0, performance.now(), false];
  const watchdog = setInterval(() => {
    const { count } = readSharedInput(shared);
    if (count !== last) [last, lastMs] = [count, performance.now()];
    else if (performance.now() - lastMs > hangMs && count > 0) {
      isHung = true;
      void worker.terminate();
    }
  }, 500);
  using watching = new DisposableStack();
  watching.defer(() => clearInterval(watchdog));
  const exited = once(worker, 'exit').then(() => undefined);
  try {
    const message = once(worker, 'message').then(([result]) => result as FuzzResult);
    message.catch(() => {});
    const result = await Promise.race([message, exited]);
    if (result !== undefined) return result;
    return died(shared, isHung ? `did not end within ${hangMs} ms` : 'ended the thread');
  } catch (thrown) {
    return died(shared, thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  }
}

function died(shared: SharedArrayBuffer, error: string): FuzzResult {
  const { count, input } = readSharedInput(shared);
  return { executions: count, corpus: [], known: 0, covered: 0, fresh: 0, failures: [{ input, error }] };
}
