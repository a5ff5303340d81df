// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textFlag } from '../../../runtime/flag-types.ts';
import { exitCode, runCommand } from '../../../runtime/run-command.ts';
import { writeExecutable } from '../write-executable.ts';
import { buildShim, shimCompiler, shimFolder } from './build-shim.ts';

const line = {
  command: 'npm run shim --',
  summary: 'Compiles the CNI plugin that the node plugin installs on its host: static, of some tens of kilobytes.',
  positionals: [],
  flags: {
    cc: textFlag(
      'COMMAND',
      'the C compiler, with its arguments: for another architecture a cross compiler',
      shimCompiler,
    ),
    output: textFlag('FILE', 'where the program goes', join(shimFolder, 'macvtap')),
  },
};

await runCommand(line, async ({ cc, output }) => {
  const program = await readFile(await buildShim({ compiler: cc }));
  await writeExecutable(output, program);
  console.log(`${output}: ${program.length} bytes`);
  return exitCode.done;
});
