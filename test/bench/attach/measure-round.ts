// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttachNode } from './attach-node.ts';
import type { PodNamespaces } from './pod-namespaces.ts';
import { quietMs } from './quiet.ts';
import { runAtOnce } from './run-at-once.ts';

/** Of so many pods at once, in milliseconds. */
export interface RoundTimes {
  /** ADD, after Allocate: a placeholder stands. */
  readonly add: readonly number[];
  /** ADD of the same devices in other sandboxes, after the DEL of the first: there is no link. */
  readonly addAgain: readonly number[];
  /** DEL of both. */
  readonly del: readonly number[];
}

/** Takes so many pods through their life, each sandbox with a namespace of its own that is new to the node plugin. */
export async function measureRound(
  launcher: string,
  node: AttachNode,
  pods: PodNamespaces,
  count: number,
): Promise<RoundTimes> {
  const devices = await node.allocate(count);
  const all = async (command: 'ADD' | 'DEL', paths: readonly string[]) => {
    await sleep(quietMs);
    const calls = devices.map((device, index) => node.call(command, device, paths[index] as string));
    return await runAtOnce(launcher, calls);
  };
  const first = devices.map(() => pods.take());
  const second = devices.map(() => pods.take());
  const add = await all('ADD', first);
  const del = await all('DEL', first);
  const addAgain = await all('ADD', second);
  const delAgain = await all('DEL', second);
  await sleep(quietMs);
  node.release(devices);
  return { add, addAgain, del: [...del, ...delAgain] };
}

/** How many namespaces that takes. */
export const podsOfRound = (count: number): number => 2 * count;
