// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Network namespaces like those of sandboxes. Each one is new and unused. */
export interface PodNamespaces extends AsyncDisposable {
  /** Returns the path of a namespace that was not returned before. */
  take(): string;
}

/**
 * The first number in the names. A later run recognizes the leftovers of a killed one by their names
 * (test/kernel/network-namespace.ts). The numbers are higher than those that test/kernel uses itself.
 */
const firstNumber = 100_000;
let made = 0;

/**
 * Makes all namespaces in advance, because the kernel takes its network lock (RTNL) for each of them. All links in the
 * namespaces must be gone before the result is disposed of.
 */
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

/** Runs one iproute2 process for all namespaces, which takes half a millisecond for each. */
async function runBatch(lines: readonly string[]): Promise<void> {
  const child = execFile('ip', ['-force', '-batch', '-']);
  child.stdin?.end(`${lines.join('\n')}\n`);
  const [errors, [code]] = await Promise.all([child.stderr ? text(child.stderr) : '', once(child, 'close')]);
  if (code !== 0) throw new Error(`ip -batch: ${errors.slice(0, 500)}`);
}
