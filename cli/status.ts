// SPDX-License-Identifier: Apache-2.0
import { switchFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { signalScope } from '../runtime/signals.ts';
import { outputFlag, render } from './output/output-flag.ts';
import { paintFor } from './output/paint.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { terminalWidth } from './output/terminal-width.ts';
import { sharedFlags } from './shared-flags.ts';
import { buildStatus } from './status/build-status.ts';
import { nodeFlag, requireNode } from './status/node-flag.ts';
import { readStatusFacts } from './status/read-status-facts.ts';
import { renderStatus } from './status/render-status.ts';
import { watchStatus } from './status/watch-status.ts';
import { openView } from './view/open-view.ts';
import { tellGaps } from './view/tell-gaps.ts';
import { viewFlags } from './view/view-flags.ts';

export const statusLine = {
  command: 'kubectl macvtap status',
  summary:
    'Prints what every node offers and how much of it pods hold, how that is, and what came of each policy. Nodes that\n' +
    'report nothing, or something old, are told below.',
  positionals: [],
  flags: {
    watch: { ...switchFlag('goes on until it is interrupted, and prints what changes'), short: 'w' },
    ...nodeFlag,
    ...outputFlag,
    ...viewFlags,
  },
  elsewhere: sharedFlags,
} as const;

export function runStatus(argv: readonly string[]): Promise<void> {
  return runCommand(
    statusLine,
    async (values) => {
      const { output, watch, node } = values;
      await using view = await openView(values, startProgress(process.stderr));
      if (watch) {
        tellGaps(view);
        using scope = signalScope();
        await watchStatus({ output, node }, view, process.stdout, scope.signal);
        return exitCode.done;
      }
      requireNode(view, node);
      const look = {
        paint: paintFor(process.stdout),
        width: terminalWidth(process.stdout),
      };
      const facts = await readStatusFacts(view);
      await printLine(render(buildStatus(facts, node), output, (report) => renderStatus(report, look)));
      tellGaps(view);
      return exitCode.done;
    },
    argv,
  );
}
