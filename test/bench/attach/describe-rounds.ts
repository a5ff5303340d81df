// SPDX-License-Identifier: Apache-2.0
import { type Figure, measurement, type Reach } from '../figure.ts';
import type { BareTimes } from './bare-attach.ts';
import type { RoundTimes } from './measure-round.ts';

/** The results of one round. */
export interface Round {
  readonly onDisk: RoundTimes;
  readonly inMemory: RoundTimes;
  readonly bare: BareTimes;
  readonly nothing: readonly number[];
}

type Pick = (round: Round) => readonly number[];
type Side = readonly [title: string, pick: Pick];

/** The design's limits for the medians: milliseconds for single pods, and ratios to netlink requests for 20 at once. */
const reaches: Readonly<Record<string, Reach>> = {
  'ADD 1': { valueAtMost: 4 },
  'ADD 20': { ratioAtMost: 5 },
  'DEL 1': { valueAtMost: 6 },
  'DEL 20': { ratioAtMost: 0.8 },
};

/** Returns the lines of the table for rounds with this many pods at once. */
export function describeRounds(rounds: readonly Round[], atOnce: number): readonly Figure[] {
  const suffix = atOnce === 1 ? '' : `, ${atOnce} at once`;
  const line = (share: number, [title, pick]: Side, [besideTitle, pickBeside]: Side, reach?: Reach): Figure => {
    const [samples, besides] = [rounds.flatMap(pick), rounds.flatMap(pickBeside)];
    return {
      title: `${title}${suffix}, p${share * 100}`,
      unit: 'ms',
      ...measurement(samples, share),
      beside: { title: besideTitle, ...measurement(besides, share) },
      ...(reach !== undefined && { reach }),
    };
  };
  const both = (side: Side, beside: Side, reach?: Reach) => [line(0.5, side, beside, reach), line(0.99, side, beside)];
  const [addReach, delReach] = [reaches[`ADD ${atOnce}`], reaches[`DEL ${atOnce}`]];
  const add: Side = ['CNI ADD through the shim', ({ onDisk }) => onDisk.add];
  const again: Side = ['CNI ADD, sandbox recreated', ({ onDisk }) => onDisk.addAgain];
  const del: Side = ['CNI DEL through the shim', ({ onDisk }) => onDisk.del];
  const [addInMemory, delInMemory] = (['ADD', 'DEL'] as const).map(
    (command): Side => [
      `CNI ${command}, ledger in memory`,
      ({ inMemory }) => (command === 'ADD' ? inMemory.add : inMemory.del),
    ],
  ) as [Side, Side];
  const nothing: Side = ['process that does nothing', (round) => round.nothing];
  const creation: Side = ['netlink creation in a namespace', ({ bare }) => bare.create];
  const move: Side = ['netlink move to a namespace', ({ bare }) => bare.move];
  const deletion: Side = ['netlink delete', ({ bare }) => bare.delete];
  return [
    ...both(add, creation, addReach),
    ...both(again, creation, addReach),
    line(0.5, addInMemory, ['the same, on a disk', add[1]]),
    ...both(del, deletion, delReach),
    line(0.5, delInMemory, ['the same, on a disk', del[1]]),
    line(0.5, move, creation),
    line(0.5, nothing, creation),
  ];
}
