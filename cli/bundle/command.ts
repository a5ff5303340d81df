// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { printLine, printToStderr, startProgress } from '../output/print.ts';
import { findExposure, planningFlags, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { collectBundle } from './collect-bundle.ts';
import { writeBundle } from './write-bundle.ts';

export const supportBundleLine = {
  command: 'kubectl macvtap support-bundle',
  summary:
    'Collects data for a bug report: policies, node states, macvtap networks, plans with their reasons, events,\n' +
    'webhook configurations, and the logs of the pods of kube-macvtap. Reads no Secret, and removes text that looks like one.',
  positionals: [],
  flags: {
    output: {
      ...textFlag(
        'FILE',
        'where to write: an archive file, a directory (an existing one, or a name with / at the end), - (the archive on standard output), or json',
        'kube-macvtap-support.tar.gz',
      ),
      short: 'o',
    },
    ...viewFlags,
    ...planningFlags,
  },
  examples: [
    { purpose: 'Write an archive', command: 'kubectl macvtap support-bundle -o macvtap-support.tar.gz' },
    { purpose: 'Write the files to a directory', command: 'kubectl macvtap support-bundle -o macvtap-support/' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runSupportBundle(argv: readonly string[]): Promise<void> {
  return runCommand(
    supportBundleLine,
    async (values) => {
      if (values.output === '-' && process.stdout.isTTY) {
        throw new MacvtapError(
          'InvalidFlags',
          '--output -: an archive cannot be shown on a terminal; pipe it to a program, or name a FILE',
        );
      }
      const progress = startProgress(process.stderr);
      await using view = await openView(values, progress);
      const files = await collectBundle(view, await findExposure(values, view), progress);
      if (values.output === 'json') {
        await printLine(JSON.stringify(Object.fromEntries(files.map(({ name, text }) => [name, text])), null, 2));
      } else await writeBundle(files, values.output, Date.now());
      const notes = files.find(({ name }) => name === 'notes.txt')?.text ?? '';
      const where = ['-', 'json'].includes(values.output) ? 'standard output' : values.output;
      printToStderr(`${notes}${where}: ${files.length} files; check them for private data before you share them`);
      return exitCode.done;
    },
    argv,
  );
}
