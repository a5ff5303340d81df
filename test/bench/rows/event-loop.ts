// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchNode } from '../bench-node.ts';
import type { Figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { followLoopDelay, type LoopDelay, loopDelayFlags } from '../loop-delay.ts';
import { median } from '../percentile.ts';
import type { BenchRow } from '../row.ts';

const rounds = 5;
const perRound = 40;
/** As long as a round of Allocates takes, roughly. */
const idleMs = 200;

/**
 * How late the node plugin's own timers are while it allocates 200 fresh devices back to back; beside it, the same
 * process with nothing to do. The timers ask for 1 ms, which is part of both.
 */
export const eventLoop: BenchRow = {
  name: 'event-loop',
  needsRoot: true,
  async measure(tell) {
    const quantity = (rounds + 1) * perRound;
    await using node = await makeBenchNode(['eth0']);
    await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity });
    await using plugin = node.start({ nodeFlags: loopDelayFlags });
    await node.offers({ net: quantity });
    using client = node.dial('net');
    const endPeriod = followLoopDelay(plugin);
    let next = 0;
    tell(`${rounds} × ${perRound} Allocates`);
    const periods: Record<'busy' | 'idle', LoopDelay[]> = { busy: [], idle: [] };
    const period = async (name: keyof typeof periods, work: () => Promise<unknown>) => {
      await endPeriod();
      await work();
      periods[name].push(await endPeriod());
      return [];
    };
    await interleave(
      { rounds: rounds + 1 },
      {
        busy: () =>
          period('busy', async () => {
            for (let call = 0; call < perRound; call += 1) await client.allocate(next++);
          }),
        idle: () => period('idle', () => sleep(idleMs)),
      },
    );
    const figure = (part: 'p99' | 'max'): Figure => ({
      title: `node plugin's event loop delay during ${rounds * perRound} Allocates, ${part}`,
      unit: 'ms',
      ...summarize(periods.busy, part),
      beside: { title: 'the same process, idle', ...summarize(periods.idle, part) },
    });
    return [figure('p99'), figure('max')];
  },
};

/** The median of the periods' values, the first (which warms up) left out. */
function summarize(periods: readonly LoopDelay[], part: 'p99' | 'max'): { value: number; count: number } {
  const counted = periods.slice(1);
  return { value: median(counted.map((period) => period[part])), count: counted.length };
}
