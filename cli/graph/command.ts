// SPDX-License-Identifier: Apache-2.0

import { replaceFile } from '../../runtime/atomic-file.ts';
import { textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { render } from '../output/look.ts';
import { printLine, startProgress } from '../output/print.ts';
import { findExposure, nodeFlag, planningFlags, requireNode, sharedFlags, viewFlags } from '../shared-flags.ts';
import { buildStatus } from '../status/build-status.ts';
import { readStatusFacts } from '../status/status-facts.ts';
import { openView } from '../view/open-view.ts';
import { printUnread } from '../view/view.ts';
import { buildGraph } from './build-graph.ts';
import { drawGraph } from './draw-graph.ts';

export const graphLine = {
  command: 'kubectl macvtap graph',
  summary:
    'Draws every node as an SVG picture: its parents, the resources on each parent, the number of devices in use, and\n' +
    'conflicts.',
  positionals: [],
  flags: {
    output: {
      ...textFlag('svg|json|yaml|FILE', 'format on standard output, or the file to write the picture to', 'svg'),
      short: 'o',
    },
    ...nodeFlag,
    ...viewFlags,
    ...planningFlags,
  },
  examples: [
    { purpose: 'Draw all nodes to a file', command: 'kubectl macvtap graph -o macvtap.svg' },
    { purpose: 'Print the data of the picture of one node', command: 'kubectl macvtap graph --node worker-1 -o json' },
  ],
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
      printUnread(view);
      return exitCode.done;
    },
    argv,
  );
}
