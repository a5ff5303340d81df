// SPDX-License-Identifier: Apache-2.0

import { MacvtapError } from '../runtime/errors.ts';
import { textFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { collectBundle } from './bundle/collect-bundle.ts';
import { writeBundle } from './bundle/write-bundle.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { findExposure, planningFlags } from './plan/exposure.ts';
import { sharedFlags } from './shared-flags.ts';
import { openView } from './view/open-view.ts';
import { viewFlags } from './view/view-flags.ts';

export const supportBundleLine = {
  command: 'kubectl macvtap support-bundle',
  summary:
    'Gathers what somebody who helps wants to see: policies, node states, networks of macvtap, plans with their reasons,\n' +
    'events, webhooks, and the logs of our own pods. No Secret is read, and what looks like one is removed.',
  positionals: [],
  flags: {
    output: {
      ...textFlag(
        'FILE',
        'the archive, a directory that is there or ends in /, or for standard output - or json',
        'kube-macvtap-support.tar.gz',
      ),
      short: 'o',
    },
    ...viewFlags,
    ...planningFlags,
  },
  elsewhere: sharedFlags,
} as const;

export function runSupportBundle(argv: readonly string[]): Promise<void> {
  return runCommand(
    supportBundleLine,
    async (values) => {
      if (values.output === '-' && process.stdout.isTTY) {
        throw new MacvtapError(
          'InvalidFlags',
          '--output -: an archive is nothing for a terminal; pipe it, or name a FILE',
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
      console.error(`${notes}${where}: ${files.length} files; look through them before you pass them on`);
      return exitCode.done;
    },
    argv,
  );
}
