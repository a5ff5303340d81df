// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { MacvtapError } from '../../runtime/errors.ts';
import { type FlagValues, pathsFlag, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { printable } from '../../runtime/terminal-text.ts';
import { readInputs } from '../lint/read-inputs.ts';
import { lookOf, outputFlag, render, terminalWidth } from '../output/look.ts';
import { printLine, printToStderr, startProgress } from '../output/print.ts';
import { contextNamespace, findExposure, nodeFlag, planningFlags, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { printUnread, type View } from '../view/view.ts';
import { measureChange, planSnapshot } from './plan-snapshot.ts';
import { renderChanges, renderPlans } from './render-plan.ts';

export const planLine = {
  command: 'kubectl macvtap plan',
  summary:
    'Prints the resources that each node would expose, in a cluster or in a directory of nodes, node states and policies.\n' +
    'With -f or --delete, prints the changes that applying the files or deleting the objects would cause.\n' +
    'Exit code 0: no change, or plans printed; 1: changes, or invalid objects; 2: the plan or the effect cannot be determined.',
  positionals: ['directory?'],
  flags: {
    filename: {
      ...pathsFlag(
        'FILE',
        'objects that would be applied: a file, a directory with its subdirectories, or - for standard input',
      ),
      short: 'f',
    },
    delete: pathsFlag('KIND/NAME', 'object that would be deleted: policy/NAME or configmap/NAME'),
    namespace: {
      ...textFlag('NAME', "namespace of objects in files that have none (default: the context's namespace)"),
      short: 'n',
    },
    ...nodeFlag,
    ...outputFlag,
    ...viewFlags,
    ...planningFlags,
  },
  failed: exitCode.usage,
  examples: [
    { purpose: 'Show the resources that each node would expose', command: 'kubectl macvtap plan' },
    { purpose: 'Show the changes that applying a file would cause', command: 'kubectl macvtap plan -f policy.yaml' },
  ],
  elsewhere: sharedFlags,
} as const;

type Values = FlagValues<typeof planLine.flags>;

export function runPlan(argv: readonly string[]): Promise<void> {
  return runCommand(
    planLine,
    async (values, [directory]) => {
      if (directory !== undefined && (await isFile(directory))) {
        throw new MacvtapError(
          'InvalidFlags',
          `${directory}: a file; name its directory, or use -f ${directory} to see the changes that applying it would cause`,
        );
      }
      // A directory argument is an abbreviation of --source manifests:DIR.
      const source = directory === undefined ? values.source : ({ kind: 'manifests', directory } as const);
      const flags = { ...values, source };
      await using view = await openView(flags, startProgress(process.stderr));
      const isChange = values.filename.length > 0 || values.delete.length > 0;
      return isChange ? await printChange(view, flags) : await printPlans(view, flags);
    },
    argv,
  );
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

async function printPlans(view: View, values: Values): Promise<number> {
  const { plans, faults } = planSnapshot(view, await findExposure(values, view), values.node);
  // Print JSON and YAML even without plans, because a script expects a document.
  if (plans.length > 0 || values.output !== 'table') {
    await printLine(renderPlans(plans, values.output, terminalWidth(process.stdout)));
  }
  printUnread(view);
  for (const fault of faults) printToStderr(printable(fault));
  return faults.length === 0 && view.faults.length === 0 ? exitCode.done : exitCode.failed;
}

async function printChange(view: View, values: Values): Promise<number> {
  const inputs = await readInputs(values.filename, process.stdin);
  const namespace = values.namespace ?? (await contextNamespace(values));
  const { changes, isAboutNothing } = await measureChange(view, inputs, { ...values, namespace });
  await printLine(render(changes, values.output, (given) => renderChanges(given, lookOf(process.stdout))));
  printUnread(view);
  // Print a message, because a wrong path would otherwise look like a change without effect.
  if (isAboutNothing) {
    const paths = values.filename.map((path) => (path === '-' ? 'standard input' : path)).join(', ');
    printToStderr(`${printable(paths)}: no policy and no config map of macvtap-cni, so there is nothing to compare`);
  }
  const isChange = changes.dra !== undefined || changes.nodes.some(({ resources }) => resources.length > 0);
  return isChange ? exitCode.failed : exitCode.done;
}
