// SPDX-License-Identifier: Apache-2.0
import { explain } from '../policy/why/explain.ts';
import { textFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { outputFlag, render } from './output/output-flag.ts';
import { paintFor } from './output/paint.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { terminalWidth } from './output/terminal-width.ts';
import { sharedFlags } from './shared-flags.ts';
import { contextNamespace } from './view/context-namespace.ts';
import { openView } from './view/open-view.ts';
import { tellGaps } from './view/tell-gaps.ts';
import { viewFlags } from './view/view-flags.ts';
import { parseSubject } from './why/parse-subject.ts';
import { readFacts } from './why/read-facts.ts';
import { renderExplanation } from './why/render-explanation.ts';
import { tellNotFound } from './why/tell-not-found.ts';
import { toReport } from './why/to-report.ts';

export const whyLine = {
  command: 'kubectl macvtap why',
  summary:
    'Walks from a pod, a network (nad), a node or a policy to what is wrong with it, and prints what mends it.\n' +
    'Exit code 0: nothing is wrong; 1: a cause was found; 2: it cannot be told.',
  positionals: ['object', 'name?'],
  flags: {
    namespace: {
      ...textFlag('NAME', "of the object; else the context's, and for a policy the installation's"),
      short: 'n',
    },
    ...outputFlag,
    ...viewFlags,
  },
  failed: exitCode.usage,
  elsewhere: sharedFlags,
} as const;

export function runWhy(argv: readonly string[]): Promise<void> {
  return runCommand(
    whyLine,
    async (values, [object = '', name]) => {
      // As kubectl takes both: pod/vm, and pod vm.
      const text = name === undefined ? object : `${object}/${name}`;
      const subject = parseSubject(text, {
        given: values.namespace,
        installation: values['installation-namespace'],
        context: await contextNamespace(values),
      });
      const progress = startProgress(process.stderr);
      await using view = await openView(values, progress);
      const { facts, missing } = await readFacts(view, subject, Date.now());
      const explanation = explain(subject, facts);
      if (explanation === undefined) {
        // It may stand in what could not be read.
        tellGaps({ missing: [], faults: view.faults });
        throw await tellNotFound(view, subject, facts);
      }
      const gaps = [...view.missing, ...missing];
      const report = toReport(explanation, gaps);
      const look = { paint: paintFor(process.stdout), width: terminalWidth(process.stdout) };
      await printLine(render(report, values.output, () => renderExplanation(explanation, look)));
      tellGaps({ missing: gaps, faults: view.faults });
      return report.isWell ? exitCode.done : exitCode.failed;
    },
    argv,
  );
}
