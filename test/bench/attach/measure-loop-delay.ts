// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, measurement } from '../figure.ts';
import { followLoopDelay, type LoopDelay, loopDelayFlags } from '../loop-delay.ts';
import { startAttachNode } from './attach-node.ts';
import { measureRound, podsOfRound } from './measure-round.ts';
import { makePodNamespaces } from './pod-namespaces.ts';

/** The number of periods. The first one is a warm-up. */
const periods = 7;
const roundsOfPeriod = 3;
const idleMs = 700;

/**
 * Measures the delays of the node plugin's own timers while many pods come and go at once. For comparison, measures the
 * same process while it is idle. Both figures include the 1 ms that the timers request.
 */
export async function measureLoopDelay(launcher: string, folder: string, atOnce: number): Promise<readonly Figure[]> {
  await using pods = await makePodNamespaces(periods * roundsOfPeriod * podsOfRound(atOnce));
  await using node = await startAttachNode({ folder, nodeFlags: loopDelayFlags });
  const endPeriod = followLoopDelay(node.process);
  const busy: LoopDelay[] = [];
  const idle: LoopDelay[] = [];
  for (let period = 0; period < periods; period += 1) {
    await endPeriod();
    for (let round = 0; round < roundsOfPeriod; round += 1) await measureRound(launcher, node, pods, atOnce);
    busy.push(await endPeriod());
    await sleep(idleMs);
    idle.push(await endPeriod());
  }
  const medianOf = (delays: readonly LoopDelay[], part: 'p99' | 'max') =>
    measurement(
      delays.slice(1).map((delay) => delay[part]),
      0.5,
    );
  return (['p99', 'max'] as const).map((part) => ({
    title: `node plugin's event loop delay, ${atOnce} ADDs or DELs at once, ${part}`,
    unit: 'ms',
    ...medianOf(busy, part),
    beside: { title: 'the same process, idle', ...medianOf(idle, part) },
  }));
}
