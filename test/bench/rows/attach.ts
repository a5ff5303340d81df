// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountSmallDisk } from '../../process/small-disk.ts';
import { startAttachNode } from '../attach/attach-node.ts';
import { startBareAttach } from '../attach/bare-attach.ts';
import { compileProgram } from '../attach/compile-program.ts';
import { describeRounds, type Round } from '../attach/describe-rounds.ts';
import { measureLoopDelay } from '../attach/measure-loop-delay.ts';
import { measureRound, podsOfRound } from '../attach/measure-round.ts';
import { makePodNamespaces } from '../attach/pod-namespaces.ts';
import { runAtOnce } from '../attach/run-at-once.ts';
import type { Figure } from '../figure.ts';
import type { BenchRow } from '../row.ts';

/** The number of measured rounds for this many pods at once. */
const series = [
  { atOnce: 1, rounds: 200 },
  { atOnce: 8, rounds: 15 },
  { atOnce: 20, rounds: 12 },
] as const;
const warmUp = 3;
const largest = Math.max(...series.map(({ atOnce }) => atOnce));

/**
 * Measures CNI ADD and DEL through the installed shim and the real process, from the start of a shim to its end. Each
 * round has several parts, one after the other. First come pods of a node plugin with its ledger on a disk, then pods
 * of one with its ledger in memory. Next come only the netlink requests, with a creation and with a move, and finally
 * processes that do nothing.
 */
export const attach: BenchRow = {
  name: 'attach',
  needsRoot: true,
  async measure(report) {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-attach-'));
    const launcher = await compileProgram('at-once', folder.path);
    const nothing = { program: await compileProgram('nothing', folder.path), environment: {}, stdin: '' };
    await using memory = await mountSmallDisk(join(folder.path, 'memory'));
    await using onDisk = await startAttachNode({ folder: folder.path });
    await using inMemory = await startAttachNode({ folder: folder.path, stateDirectory: join(memory.path, 'state') });
    await using bare = await startBareAttach(onDisk.namespace, 'eth1');
    const figures: Figure[] = [];
    for (const { atOnce, rounds } of series) {
      report(`${rounds} × ${atOnce} at once`);
      await using pods = await makePodNamespaces(atOnce + 2 * (warmUp + rounds) * podsOfRound(atOnce));
      const barePods = Array.from({ length: atOnce }, pods.take);
      const taken: Round[] = [];
      for (let round = 0; round < warmUp + rounds; round += 1) {
        taken.push({
          onDisk: await measureRound(launcher, onDisk, pods, atOnce),
          inMemory: await measureRound(launcher, inMemory, pods, atOnce),
          bare: await bare.measure(barePods),
          nothing: await runAtOnce(launcher, new Array(atOnce).fill(nothing)),
        });
      }
      figures.push(...describeRounds(taken.slice(warmUp), atOnce));
    }
    report(`the event loop, ${largest} at once`);
    return [...figures, ...(await measureLoopDelay(launcher, folder.path, largest))];
  },
};
