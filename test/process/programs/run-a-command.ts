// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { choiceFlag } from '../../../runtime/flags.ts';
import { runCommand } from '../../../runtime/run-command.ts';

/** Runs a command whose flag selects how it ends. */
const endings = {
  done: () => 0,
  failed: () => 1,
  'own-error': () => {
    throw new MacvtapError('ParentGone', 'eth1 does not exist; name another parent', { cause: new Error('ENODEV') });
  },
  bug: () => {
    throw new TypeError('a bug in the program');
  },
  'bug-without-cause': () => {
    throw new MacvtapError('Unexpected', 'a bug in the program');
  },
  text: () => {
    throw 'a text instead of an error';
  },
} as const;

const line = {
  command: 'run-a-command',
  summary: 'Ends as its flag selects.',
  positionals: [],
  flags: { end: choiceFlag(Object.keys(endings) as (keyof typeof endings)[], 'how to end', 'done') },
} as const;

await runCommand(line, async ({ end }) => {
  console.log('running');
  return endings[end]();
});
