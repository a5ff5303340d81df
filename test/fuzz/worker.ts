// SPDX-License-Identifier: Apache-2.0
// Fuzzes one target in a separate thread, so that an endless input can be stopped and reported.
import { parentPort, workerData } from 'node:worker_threads';
import { openCoverage } from './coverage.ts';
import { type Order, shareInput } from './shared-input.ts';

const { group, name, seed, seconds, shared } = workerData as Order;
// V8 counts blocks only in code that it compiles from now on.
const coverage = openCoverage();
const [{ loadGroup }, { fuzzTarget }] = await Promise.all([import('./targets.ts'), import('./fuzz-target.ts')]);
const target = (await loadGroup(group)).find((candidate) => candidate.name === name);
if (target === undefined) throw new Error(`no target ${name}`);
const untilMs = performance.now() + seconds * 1_000;
const onInput = (input: Uint8Array) => shareInput(shared, input);
const isOver = () => performance.now() >= untilMs;
const result = await fuzzTarget({ target, coverage, seed, isOver, onInput });
parentPort?.postMessage(result);
