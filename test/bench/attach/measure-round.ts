// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttachNode } from './attach-node.ts';
import type { PodNamespaces } from './pod-namespaces.ts';
import { quietMs } from './quiet.ts';
import { runAtOnce } from './run-at-once.ts';

/** Durations for this many pods at once, in milliseconds. */
export interface RoundTimes {
  /** The ADD after an Allocate, when a placeholder exists. */
  readonly add: readonly number[];
  /** The ADD of the same devices in other sandboxes, after the DEL in the first ones. No link exists then. */
  readonly addAgain: readonly number[];
  /** The DEL in both sandboxes. */
  readonly del: readonly number[];
}

/**
 * Takes this many pods through their whole life cycle. Each sandbox has a separate namespace, which is new to the node
 * plugin.
 */
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

/** Returns how many namespaces a round needs. */
export const podsOfRound = (count: number): number => 2 * count;
