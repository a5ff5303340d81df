// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';
import { runInPod } from '../cluster/pods.ts';
import { readPodTap } from '../cluster/taps.ts';
import { runTool } from '../machines/run-tool.ts';
import { until } from '../process/until.ts';

/** Numbered frames that two pods send each other through their taps. */
export interface FrameExchange {
  /** Resolves when both pods have received several more frames. */
  goesOn(): Promise<void>;
  /** Ends the exchange, so that no program has the taps open. */
  stop(): Promise<void>;
  /** The pods' reports: the frames that each has sent and received. */
  report(): Promise<string>;
}

const source = fileURLToPath(new URL('../images/kubevirt/frames.c', import.meta.url));
const gapMs = 20;
/** More frames than could have been under way. */
const some = 50;
/** How long a failing test waits. */
const guardMs = 300_000;

/** Starts the exchange, which ends at the latest with the pods. */
export async function exchangeFrames(cluster: Cluster, pods: readonly [string, string]): Promise<FrameExchange> {
  const program = await compile();
  const taps = await Promise.all(pods.map((pod) => readPodTap(cluster, pod)));
  for (const [at, pod] of pods.entries()) {
    const [own, other] = [taps[at], taps[1 - at]];
    await cluster.mustKubectl(
      ['exec', '-i', pod, '--', '/bin/sh', '-c', 'base64 -d >/tmp/frames && chmod 755 /tmp/frames'],
      program,
    );
    const command = `/tmp/frames /tmp/report ${gapMs} ${own?.path} ${own?.mac} ${other?.mac}`;
    await runInPod(cluster, pod, `${command} </dev/null >/tmp/frames.log 2>&1 & echo $! >/tmp/frames.pid`);
  }
  const received = async () => await Promise.all(pods.map((pod) => readReceived(cluster, pod)));
  return {
    async goesOn() {
      const before = await received();
      await until(received, (now) => now.every((count, at) => count >= (before[at] ?? 0) + some), guardMs);
    },
    async stop() {
      for (const pod of pods) {
        await runInPod(cluster, pod, 'kill $(cat /tmp/frames.pid); rm /tmp/report');
      }
    },
    async report() {
      const reports = pods.map(async (pod) => `${pod}: ${(await runInPod(cluster, pod, 'cat /tmp/report')).trim()}`);
      return (await Promise.all(reports)).join('\n');
    },
  };
}

/** Returns how many frames a pod has received. At first, there is no report. */
async function readReceived(cluster: Cluster, pod: string): Promise<number> {
  const report = await runInPod(cluster, pod, 'cat /tmp/report 2>/dev/null || cat /tmp/frames.log');
  return Number(/ received=(\d+) /.exec(report)?.[1] ?? 0);
}

async function compile(): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-frames-'));
  const program = join(folder.path, 'frames');
  await runTool('gcc', '-static', '-Os', '-s', '-o', program, source);
  return await readFile(program, 'base64');
}
