// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { choiceFlag } from '../../../runtime/flag-types.ts';
import { runCommand } from '../../../runtime/run-command.ts';

/** A command that ends as its flag says. */
const endings = {
  done: () => 0,
  failed: () => 1,
  'own-error': () => {
    throw new MacvtapError('ParentGone', 'eth1 does not exist; name another parent', { cause: new Error('ENODEV') });
  },
  bug: () => {
    throw new TypeError('a bug of ours');
  },
  'bug-without-cause': () => {
    throw new MacvtapError('Unexpected', 'a bug of ours');
  },
  text: () => {
    throw 'a text instead of an error';
  },
} as const;

const line = {
  command: 'run-a-command',
  summary: 'Ends as it is told to.',
  positionals: [],
  flags: { end: choiceFlag(Object.keys(endings) as (keyof typeof endings)[], 'how to end', 'done') },
} as const;

await runCommand(line, async ({ end }) => {
  console.log('running');
  return endings[end]();
});
