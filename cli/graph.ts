// SPDX-License-Identifier: Apache-2.0

import { replaceFile } from '../runtime/atomic-file.ts';
import { textFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { buildGraph } from './graph/build-graph.ts';
import { drawGraph } from './graph/draw-graph.ts';
import { render } from './output/output-flag.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { findExposure, planningFlags } from './plan/exposure.ts';
import { sharedFlags } from './shared-flags.ts';
import { buildStatus } from './status/build-status.ts';
import { nodeFlag, requireNode } from './status/node-flag.ts';
import { readStatusFacts } from './status/read-status-facts.ts';
import { openView } from './view/open-view.ts';
import { tellGaps } from './view/tell-gaps.ts';
import { viewFlags } from './view/view-flags.ts';

export const graphLine = {
  command: 'kubectl macvtap graph',
  summary:
    'Draws every node with its parents, the resources that stand on them, how many of their devices are held, and what\n' +
    'conflicts, as an SVG picture.',
  positionals: [],
  flags: {
    output: {
      ...textFlag(
        'svg|json|yaml|FILE',
        'how to print it on standard output, or the file that the picture goes to',
        'svg',
      ),
      short: 'o',
    },
    ...nodeFlag,
    ...viewFlags,
    ...planningFlags,
  },
  elsewhere: sharedFlags,
} as const;

export function runGraph(argv: readonly string[]): Promise<void> {
  return runCommand(
    graphLine,
    async (values) => {
      await using view = await openView(values, startProgress(process.stderr));
      requireNode(view, values.node);
      const [facts, exposure] = await Promise.all([readStatusFacts(view), findExposure(values, view)]);
      const nodes = buildGraph(buildStatus(facts, values.node), view.snapshot, exposure);
      const draw = () => drawGraph(nodes, view.where);
      const { output } = values;
      if (output === 'svg') await printLine(draw());
      else if (output === 'json' || output === 'yaml') await printLine(render(nodes, output, draw));
      else await replaceFile(output, `${draw()}\n`);
      tellGaps(view);
      return exitCode.done;
    },
    argv,
  );
}
