// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from './start-machine.ts';

/** A ping that runs in a machine while other things happen, and ends with the machine. */
export interface Ping {
  /** Resolves when several more answers have arrived. */
  goesOn(): Promise<void>;
  /** Ends the ping. Fails unless every request up to the last answered one was answered exactly once, in order. */
  assertComplete(): Promise<void>;
}

/** How long a failing test waits. */
const patienceMs = 120_000;
/** More answers than could have been under way. */
const some = 5;
const file = '/tmp/ping';

/** Starts a ping once the machines can reach each other. A machine runs only one ping at a time. */
export async function startPing(machine: Machine, address: string): Promise<Ping> {
  const { exitCode, output } = await machine.run(`for try in 1 2 3 4 5 6; do ping -c 1 -W 5 ${address} && break; done`);
  assert.equal(exitCode, 0, output);
  await machine.run(`ping -i 0.2 ${address} >${file} 2>&1 & echo $! >${file}.pid`);
  const read = async () => (await machine.run(`cat ${file}`)).output;
  const count = async () => Number((await machine.run(`grep -c seq= ${file}`)).output);
  return {
    async goesOn() {
      const over = AbortSignal.timeout(patienceMs);
      const wanted = (await count()) + some;
      while ((await count()) < wanted) {
        if (over.aborted) assert.fail(`no answers any more:\n${await read()}`);
        await sleep(100);
      }
    },
    async assertComplete() {
      await machine.run(`kill -INT $(cat ${file}.pid); wait`);
      const printed = await read();
      const numbers = sequenceOf(printed);
      assert.deepEqual(numbers, [...numbers.keys()], printed);
    },
  };
}

/** Returns the numbers of the answered requests: `64 bytes from 10.99.0.2: seq=0 ttl=64 time=3.228 ms`. */
function sequenceOf(output: string): readonly number[] {
  return [...output.matchAll(/ seq=(\d+) /g)].map(([, number]) => Number(number));
}
