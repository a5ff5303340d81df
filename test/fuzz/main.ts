// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import { type Flag, listFlag, switchFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { corpusFile, encodeLine } from './corpus.ts';
import type { FuzzResult } from './fuzz-target.ts';
import { runWorker } from './run-worker.ts';
import { loadTargets } from './targets.ts';

const targets = await loadTargets();
const names = targets.map(({ target: { name } }) => name);
const line = {
  command: 'npm run fuzz --',
  summary: 'Runs every parser of untrusted bytes with mutated inputs, and reports inputs that break its invariant.',
  positionals: [],
  flags: {
    seconds: numberFlag('seconds for each target', '10'),
    target: listFlag('TARGETS', `some targets instead of all: ${names.join(', ')}`, ''),
    seed: numberFlag('the seed of the random numbers; the same seed makes the same inputs', '1'),
    jobs: numberFlag('how many targets run at once', '1'),
    save: switchFlag('append new inputs of at most 400 bytes to test/fuzz/corpus'),
  },
} as const;

await runCommand(line, async ({ seconds, target, seed, jobs, save }) => {
  const unknown = target.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`--target ${unknown.join()}: no such target; there are ${names.join(', ')}`);
    return exitCode.usage;
  }
  const left = targets.filter(({ target: { name } }) => target.length === 0 || target.includes(name));
  let [executions, failures] = [0, 0];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { name } = next.target;
      const result = await runWorker({ group: next.group, name, seed, seconds });
      executions += result.executions;
      failures += result.failures.length;
      console.log(render(name, result));
      if (save) saveInputs(name, result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  console.log(`all: ${executions} executions, ${failures} failures`);
  return failures === 0 ? exitCode.done : exitCode.failed;
});

function render(name: string, { executions, corpus, known, covered, fresh, failures }: FuzzResult): string {
  const summary =
    `${name.padEnd(22)} ${String(executions).padStart(9)} executions, corpus ${known} + ${corpus.length - known}, ` +
    `characters of source covered ${covered - fresh} + ${fresh}, ${failures.length} failures`;
  return [
    summary,
    ...failures.map(({ input, error }) => `  ${encodeLine(input)}\n    ${error.replaceAll('\n', '\n    ')}`),
  ].join('\n');
}

function saveInputs(name: string, { corpus, known }: FuzzResult): void {
  const lines = corpus
    .slice(known)
    .map(encodeLine)
    .filter((text) => text.length <= 400);
  if (lines.length > 0) appendFileSync(corpusFile(name), `${lines.join('\n')}\n`);
}

function numberFlag(description: string, defaultText: string): Flag<number> {
  return {
    placeholder: 'N',
    description,
    defaultText,
    read: (text) =>
      /^\d{1,6}$/.test(text) ? { value: Number(text) } : { fault: 'write a whole number of at most six digits' },
  };
}
