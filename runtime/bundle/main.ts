// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { choiceFlag, listFlag, textFlag } from '../flag-types.ts';
import { exitCode, runCommand } from '../run-command.ts';
import { bundleProgram, programs } from './bundle-program.ts';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const line = {
  command: 'npm run bundle --',
  summary: 'Makes of each program a folder that Node.js runs it from without its sources.',
  positionals: [],
  flags: {
    programs: listFlag('NAMES', 'which of them', programs.join(',')),
    output: textFlag('DIR', 'where their folders go; what is in those is removed', fromRoot('dist')),
    arch: choiceFlag(['x64', 'arm64'], "of the machine that runs them; this one's where nobody says"),
    modules: textFlag('DIR', 'where koffi is installed for it', fromRoot('node_modules')),
  },
};

await runCommand(line, async ({ programs: wanted, output, arch: architecture = process.arch, modules }) => {
  const chosen = programs.filter((program) => wanted.includes(program));
  if (chosen.length !== new Set(wanted).size) {
    console.error(`--programs ${wanted.join()}: there are ${programs.join(', ')}`);
    return exitCode.usage;
  }
  for (const program of chosen) {
    console.log(await bundleProgram({ program, folder: join(output, program), architecture, modules }));
  }
  return exitCode.done;
});
