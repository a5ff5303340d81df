// SPDX-License-Identifier: Apache-2.0
import { switchFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand, signalScope } from '../../runtime/run-command.ts';
import { lookOf } from '../output/look.ts';
import { outputFlag, render } from '../output/output-flag.ts';
import { printLine, startProgress } from '../output/print.ts';
import { nodeFlag, requireNode, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { printUnread } from '../view/view.ts';
import { buildStatus } from './build-status.ts';
import { renderStatus } from './render-status.ts';
import { readStatusFacts } from './status-facts.ts';
import { watchStatus } from './watch-status.ts';

export const statusLine = {
  command: 'kubectl macvtap status',
  summary:
    'Prints the resources of every node, the number of devices in use, their health, and the conditions of each policy.\n' +
    'Lines below the tables warn about lost conflicts, and about nodes whose report is missing or may be out of date.',
  positionals: [],
  flags: {
    watch: { ...switchFlag('keep running and print changes until interrupted'), short: 'w' },
    ...nodeFlag,
    ...outputFlag,
    ...viewFlags,
  },
  examples: [
    { purpose: 'Show all nodes and policies', command: 'kubectl macvtap status' },
    { purpose: 'Follow the changes of one node', command: 'kubectl macvtap status --node worker-1 --watch' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runStatus(argv: readonly string[]): Promise<void> {
  return runCommand(
    statusLine,
    async (values) => {
      const { output, watch, node } = values;
      await using view = await openView(values, startProgress(process.stderr));
      if (watch) {
        printUnread(view);
        using scope = signalScope();
        await watchStatus({ output, node }, view, process.stdout, scope.signal);
        return exitCode.done;
      }
      requireNode(view, node);
      const facts = await readStatusFacts(view);
      await printLine(
        render(buildStatus(facts, node), output, (report) => renderStatus(report, lookOf(process.stdout))),
      );
      printUnread(view);
      return exitCode.done;
    },
    argv,
  );
}
