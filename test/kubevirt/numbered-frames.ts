// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import type { Machine } from './machine.ts';

/** Frames exchanged with one peer. A frame counts as missing once a later one has arrived. */
export interface FrameCounts {
  readonly sent: number;
  readonly received: number;
  /** The number of the last frame that arrived; -1 before the first. */
  readonly last: number;
  readonly missing: number;
  /** The most frames that were missing in a row. Multiplied by the interval, this is the longest outage. */
  readonly longest: number;
}

/** One end of an exchange of numbered frames, which the program `frames` runs (test/images/kubevirt/frames.c). */
export interface FrameEnd {
  /** Returns the counts by the MAC address of each peer. */
  counts(): Promise<Readonly<Record<string, FrameCounts>>>;
  /** Resolves when frames that were sent after the call have arrived from every peer. */
  goesOn(): Promise<void>;
}

/** An end of the exchange outside of guests. */
export interface PeerOptions {
  /** The program `frames`. */
  readonly program: string;
  /** A tap or a link, such as `/dev/tap7` or `kmtc-w.bond1`. */
  readonly device: string;
  readonly mac: string;
  readonly peers: readonly string[];
}

/** The default interval between two frames to a peer. */
const intervalMs = 10;
/** More frames than can be in flight. */
const some = 20;
/** How long to wait for frames that never arrive. */
const guardMs = 60_000;

/** Exchanges frames between a guest's card eth0 and peers, until the guest ends or this function is called again. */
export async function startGuestFrames(
  machine: Machine,
  peers: readonly string[],
  everyMs = intervalMs,
): Promise<FrameEnd> {
  const report = '/tmp/frames';
  const start = `frames ${report} ${everyMs} eth0 $(cat /sys/class/net/eth0/address) ${peers.join(' ')}`;
  await machine.run(
    `killall frames 2>/dev/null; rm -f ${report}; ${start} & until [ -e ${report} ]; do sleep 0.1; done`,
  );
  return frameEnd(() => machine.run(`cat ${report}`));
}

/** Starts a process on this machine that exchanges frames until its scope ends. */
export async function startPeerFrames(options: PeerOptions): Promise<FrameEnd & AsyncDisposable> {
  const { program, device, mac, peers } = options;
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmtc-frames-')));
  const report = join(folder.path, 'report');
  const command = [program, report, `${intervalMs}`, device, mac, ...peers] as const;
  const running = undo.use(startProcess({ name: `frames on ${device}`, command }));
  const end = frameEnd(() => readFile(report, 'utf8'));
  const ended = running.exit.then(() => {
    throw new Error(`frames on ${device} ended:\n${running.output}`);
  });
  const started = until(
    () => end.counts().catch(() => undefined),
    (counts) => counts !== undefined,
    guardMs,
  );
  await Promise.race([started, ended]);
  ended.catch(() => {});
  const scope = undo.move();
  return { ...end, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

function frameEnd(read: () => Promise<string>): FrameEnd {
  const counts = async () => parseCounts(await read());
  return {
    counts,
    async goesOn() {
      const before = await counts();
      await until(
        counts,
        (now) => Object.entries(now).every(([mac, { received }]) => received >= (before[mac]?.received ?? 0) + some),
        guardMs,
      );
    },
  };
}

/** Parses lines such as `02:00:00:00:00:01 sent=9 received=8 last=8 missing=1 longest=1`. */
export function parseCounts(report: string): Readonly<Record<string, FrameCounts>> {
  const rows = report.trim().split('\n').filter(Boolean);
  return Object.fromEntries(
    rows.map((row) => {
      const [mac = '', ...fields] = row.split(' ');
      const numbers = fields.map((field) => field.split('=')).map(([name = '', value]) => [name, Number(value)]);
      return [mac, Object.fromEntries(numbers) as unknown as FrameCounts];
    }),
  );
}
