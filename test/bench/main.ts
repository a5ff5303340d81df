// SPDX-License-Identifier: Apache-2.0
import { listFlag, switchFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { measureRows } from './measure-rows.ts';
import { renderJSON, renderTable } from './render-figures.ts';
import { rows } from './rows.ts';

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
    json: switchFlag('print JSON instead of a table'),
  },
} as const;

await runCommand(line, async ({ only, json }) => {
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`--only ${unknown.join()}: no such row; there are ${names.join(', ')}`);
    return exitCode.usage;
  }
  const chosen = rows.filter(({ name, onlyNamed }) => (only.length === 0 ? !onlyNamed : only.includes(name)));
  const { figures, failures } = await measureRows(chosen, (text) => console.error(text));
  console.log(json ? renderJSON(figures) : renderTable(figures));
  for (const failure of failures) console.error(failure);
  // A missed limit is not a failure, but a row that could not be measured is.
  return failures.length === 0 ? exitCode.done : exitCode.failed;
});
