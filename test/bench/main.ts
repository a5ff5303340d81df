// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { listFlag, switchFlag, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { measureRows } from './measure-rows.ts';
import { countLine, renderComparison, renderTable } from './render-figures.ts';
import { rows } from './rows.ts';
import { readRun, renderRun, thisMachine } from './saved-run.ts';

const names = rows.map(({ name }) => name);
const long = rows.filter(({ onlyNamed }) => onlyNamed).map(({ name }) => name);
const line = {
  command: 'npm run bench --',
  summary:
    'Measures the figures that the design limits, each with something simpler for comparison, and prints one table.',
  positionals: [],
  flags: {
    only: listFlag(
      'ROWS',
      `only these rows; the default is all except the longest (${long.join(', ')}): ${names.join(', ')}`,
      '',
    ),
    compare: textFlag('FILE', 'compare with an earlier run that --json printed, and mark changes beyond the noise'),
    json: switchFlag('print JSON instead of a table'),
  },
} as const;

await runCommand(line, async ({ only, compare, json }) => {
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`--only ${unknown.join()}: no such row; there are ${names.join(', ')}`);
    return exitCode.usage;
  }
  const earlier = compare === undefined ? undefined : await readEarlier(compare);
  if (earlier !== undefined && 'fault' in earlier) {
    const hint = 'write the file with npm run --silent bench -- --json > FILE';
    console.error(`--compare ${compare} cannot be compared: ${earlier.fault}; ${hint}`);
    return exitCode.usage;
  }
  const chosen = rows.filter(({ name, onlyNamed }) => (only.length === 0 ? !onlyNamed : only.includes(name)));
  const date = new Date().toISOString().slice(0, 10);
  const run = { date, machine: thisMachine(), ...(await measureRows(chosen, (text) => console.error(text))) };
  const { figures, failures } = run;
  if (json) console.log(renderRun(run));
  else console.log(earlier === undefined ? renderTable(figures) : renderComparison(earlier.run.figures, figures));
  if (!json) console.log(`\n${countLine(run)}`);
  for (const failure of failures) console.error(failure);
  // A missed limit is not a failure, but a row that could not be measured is.
  return failures.length === 0 ? exitCode.done : exitCode.failed;
});

async function readEarlier(file: string): Promise<ReturnType<typeof readRun>> {
  try {
    return readRun(await readFile(file, 'utf8'));
  } catch (thrown) {
    return { fault: (thrown as Error).message };
  }
}
