// SPDX-License-Identifier: Apache-2.0
import { exitCode } from '../../runtime/run-command.ts';
import { commands, usage } from './commands/commands.ts';

const argv = process.argv.slice(2);
const found = Object.entries(commands).find(([name]) => name.split(' ').every((word, at) => argv[at] === word));
if (argv.length === 0 || ['--help', '-h', 'help'].includes(argv[0] ?? '')) {
  console.log(usage);
} else if (found === undefined) {
  console.error(`npm run cluster: ${argv.join(' ')}: no such command\n\n${usage}`);
  process.exitCode = exitCode.usage;
} else {
  const [name, { run }] = found;
  await run(argv.slice(name.split(' ').length));
}
