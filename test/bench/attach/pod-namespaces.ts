// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Network namespaces as sandboxes have them: each is new, and nobody has looked into it yet. */
export interface PodNamespaces extends AsyncDisposable {
  /** The path of one that was never given before. */
  take(): string;
}

/** By which a later run knows what a killed one left (test/kernel/network-namespace.ts), beyond the numbers it gives itself. */
const firstNumber = 100_000;
let made = 0;

/** Makes them all beforehand, since the kernel takes its network lock for each. Their links must be gone at the end. */
export async function makePodNamespaces(count: number): Promise<PodNamespaces> {
  const names = Array.from({ length: count }, () => `kmt-${process.pid}-${firstNumber + made++}`);
  await runBatch(names.map((name) => `netns add ${name}`));
  const left = names[Symbol.iterator]();
  return {
    take() {
      const { value } = left.next();
      if (value === undefined) throw new Error(`more than ${count} pods`);
      return `/run/netns/${value}`;
    },
    [Symbol.asyncDispose]: () => runBatch(names.map((name) => `netns del ${name}`)),
  };
}

/** One process of iproute2 for all: half a millisecond for each namespace. */
async function runBatch(lines: readonly string[]): Promise<void> {
  const child = execFile('ip', ['-force', '-batch', '-']);
  child.stdin?.end(`${lines.join('\n')}\n`);
  const [errors, [code]] = await Promise.all([child.stderr ? text(child.stderr) : '', once(child, 'close')]);
  if (code !== 0) throw new Error(`ip -batch: ${errors.slice(0, 500)}`);
}
