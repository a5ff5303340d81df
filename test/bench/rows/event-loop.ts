// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchNode } from '../bench-node.ts';
import { type Figure, type Measurement, measurement } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { followLoopDelay, type LoopDelay, loopDelayFlags } from '../loop-delay.ts';
import type { BenchRow } from '../row.ts';

const rounds = 5;
const perRound = 40;
/** The idle time, which is about as long as a round of Allocates. */
const idleMs = 200;

/**
 * Measures the delays of the node plugin's own timers while it allocates 200 fresh devices one after the other. For
 * comparison, measures the same process while it is idle. Both figures include the 1 ms that the timers request.
 */
export const eventLoop: BenchRow = {
  name: 'event-loop',
  needsRoot: true,
  async measure(report) {
    const quantity = (rounds + 1) * perRound;
    await using node = await makeBenchNode(['eth0']);
    await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity });
    await using plugin = node.start({ nodeFlags: loopDelayFlags });
    await node.offers({ net: quantity });
    using client = node.dial('net');
    const endPeriod = followLoopDelay(plugin);
    let next = 0;
    report(`${rounds} × ${perRound} Allocates`);
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

/** Returns the median of the periods' values, without the first period, which is a warm-up. */
function summarize(periods: readonly LoopDelay[], part: 'p99' | 'max'): Measurement {
  return measurement(
    periods.slice(1).map((period) => period[part]),
    0.5,
  );
}
