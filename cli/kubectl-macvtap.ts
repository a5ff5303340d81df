// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import packageFile from '../package.json' with { type: 'json' };
import { nearestNames } from '../policy/names.ts';
import { exitCode } from '../runtime/run-command.ts';
import { commands } from './commands.ts';
import { printLine, printToStderr } from './output/print.ts';

const usage = [
  'Shows, checks and explains macvtap resources and policies.',
  '',
  'Usage: kubectl macvtap <command> [flags]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`),
  '',
  'Run kubectl macvtap <command> --help for the flags of a command, kubectl macvtap --version for the version.',
].join('\n');

// kubectl completes words with the program kubectl_complete-macvtap. It can be a link to the executable.
const isCompleter = basename(process.argv0).startsWith('kubectl_complete-macvtap');
const [name = '--help', ...argv] = [...(isCompleter ? ['__complete'] : []), ...process.argv.slice(2)];
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === '--help' || name === '-h' || name === 'help') {
  console.log(usage);
} else if (name === '--version' || name === 'version') {
  console.log(`kubectl-macvtap ${packageFile.version}`);
} else if (command !== undefined) {
  await command.run(argv);
} else if (name === '__complete') {
  // The scripts that `completion` prints run this, and so does kubectl, through kubectl_complete-macvtap.
  await printLine(await (await import('./completion/complete.ts')).complete(argv, commands));
  // Exit now: open requests would keep the process running and delay the shell's prompt.
  process.exit();
} else {
  const names = Object.keys(commands);
  const near = nearestNames(name, names)[0] ?? names.find((command) => command.startsWith(name));
  const hint = near === undefined ? `\n\n${usage}` : `; did you mean ${near}? kubectl macvtap --help lists them all`;
  printToStderr(`kubectl macvtap: ${name}: no such command${hint}`);
  process.exitCode = exitCode.usage;
}
