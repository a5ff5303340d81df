// SPDX-License-Identifier: Apache-2.0
import packageFile from '../package.json' with { type: 'json' };
import { nearestNames } from '../policy/nearest-names.ts';
import { exitCode } from '../runtime/run-command.ts';
import { commands } from './commands.ts';

const usage = [
  'kubectl macvtap tells what macvtap policies do.',
  '',
  'Usage: kubectl macvtap <command> [flags]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`),
  '',
  'kubectl macvtap <command> --help tells more, and kubectl macvtap --version which this is.',
].join('\n');

const [name = '--help', ...argv] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === '--help' || name === '-h' || name === 'help') {
  console.log(usage);
} else if (name === '--version' || name === 'version') {
  console.log(`kubectl-macvtap ${packageFile.version}`);
} else if (command !== undefined) {
  await command.run(argv);
} else if (name === '__complete') {
  // Asked by the scripts of `completion`, and by kubectl's own through kubectl_complete-macvtap.
  console.log(await (await import('./completion/complete.ts')).complete(argv, commands));
  // Whatever was asked and has not answered is not waited for.
  process.exit();
} else {
  const names = Object.keys(commands);
  const near = nearestNames(name, names)[0] ?? names.find((command) => command.startsWith(name));
  const hint = near === undefined ? `\n\n${usage}` : `; did you mean ${near}? kubectl macvtap --help lists them all`;
  console.error(`kubectl macvtap: ${name}: no such command${hint}`);
  process.exitCode = exitCode.usage;
}
