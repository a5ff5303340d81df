// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';

/**
 * Opens a ledger: `ledger-writer.ts <directory> one-by-one|at-once|hold <device>…`. Prints `opened`, and `recorded
 * <device>` once a device is durable. With `hold`, it records nothing, starts a child and waits for a signal.
 */
const [directory = '', how = '', ...devices] = process.argv.slice(2);

// Writes synchronously, because the output before a kill must arrive.
const say = (line: string) => writeSync(1, `${line}\n`);

await using ledger = await Ledger.open({
  directory,
  nodeName: 'h1',
  onWarning: ({ code }) => say(`warning ${code}`),
});
say('opened');

const record = async (device: string) => {
  await ledger.record(device, { resource: 'r', parent: 'bond1', mode: 'bridge', ifindex: 1_100_000_000, attempt: 0 });
  say(`recorded ${device}`);
};

if (how === 'one-by-one') for (const device of devices) await record(device);
if (how === 'at-once') await Promise.all(devices.map(record));
if (how === 'hold') {
  say(`child ${spawn('sleep', ['60'], { stdio: 'ignore' }).pid}`);
  await new Promise((resolve) => process.once('SIGTERM', resolve));
}
