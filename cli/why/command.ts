// SPDX-License-Identifier: Apache-2.0
import { type Explanation, explain } from '../../policy/why/explain.ts';
import { textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { lookOf } from '../output/look.ts';
import { outputFlag, render } from '../output/output-flag.ts';
import { printLine, startProgress } from '../output/print.ts';
import { contextNamespace, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { type MissingPart, printUnread } from '../view/view.ts';
import { findTarget, parseWorkload } from './find-workload.ts';
import { readFacts } from './read-facts.ts';
import { renderExplanation, toReport } from './render-explanation.ts';
import { notFoundError, parseSubject } from './subject.ts';

export const whyLine = {
  command: 'kubectl macvtap why',
  summary:
    'Finds the cause of a problem with a pod, network (nad), node or policy, and prints the fix. For a deployment,\n' +
    'replicaset, statefulset, daemonset, job, vm or vmi, it checks one of the pods, preferably one that is not Ready.\n' +
    'Exit code 0: no problem was found; 1: a cause was found; 2: the object or the cluster could not be read.',
  positionals: ['object', 'name?'],
  flags: {
    namespace: {
      ...textFlag(
        'NAME',
        "namespace of the object (default: the context's namespace, or for a policy the installation's namespace)",
      ),
      short: 'n',
    },
    ...outputFlag,
    ...viewFlags,
  },
  failed: exitCode.usage,
  examples: [
    { purpose: 'Explain a pod that does not start', command: 'kubectl macvtap why pod/web -n vms' },
    { purpose: 'Explain a policy that nodes do not follow', command: 'kubectl macvtap why policy/dataplane' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runWhy(argv: readonly string[]): Promise<void> {
  return runCommand(
    whyLine,
    async (values, [object = '', name]) => {
      // Accept both `pod/vm` and `pod vm`, like kubectl.
      const text = name === undefined ? object : `${object}/${name}`;
      const context = await contextNamespace(values);
      const namespaces = { given: values.namespace, installation: values['installation-namespace'], context };
      const asked = parseWorkload(text, values.namespace ?? context) ?? parseSubject(text, namespaces);
      const progress = startProgress(process.stderr);
      await using view = await openView(values, progress);
      const print = async (explanation: Explanation, gaps: readonly MissingPart[], introduction?: string) => {
        const report = toReport(explanation, gaps);
        const head = introduction === undefined ? '' : `${introduction}\n\n`;
        await printLine(
          render(report, values.output, () => `${head}${renderExplanation(explanation, lookOf(process.stdout))}`),
        );
        printUnread({ missing: gaps, faults: view.faults });
        return report.isWell ? exitCode.done : exitCode.failed;
      };
      const target = await findTarget(view, asked);
      if ('withoutPods' in target) return await print(target.withoutPods, view.missing);
      const { subject, introduction } = target;
      const { facts, missing } = await readFacts(view, subject, Date.now());
      const explanation = explain(subject, facts);
      if (explanation === undefined) {
        // Report unreadable files, because the object may be in one of them.
        printUnread({ missing: [], faults: view.faults });
        throw await notFoundError(view, subject, facts);
      }
      return await print(explanation, [...view.missing, ...missing], introduction);
    },
    argv,
  );
}
