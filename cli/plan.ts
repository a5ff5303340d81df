// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { MacvtapError } from '../runtime/errors.ts';
import { pathsFlag, textFlag } from '../runtime/flag-types.ts';
import type { FlagValues } from '../runtime/flags.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { printable } from '../runtime/text-table.ts';
import { readInputs } from './lint/read-inputs.ts';
import { outputFlag, render } from './output/output-flag.ts';
import { paintFor } from './output/paint.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { terminalWidth } from './output/terminal-width.ts';
import { findExposure, planningFlags } from './plan/exposure.ts';
import { measureChange } from './plan/measure-change.ts';
import { planSnapshot } from './plan/plan-snapshot.ts';
import { renderChanges } from './plan/render-changes.ts';
import { renderPlans } from './plan/render-plans.ts';
import { sharedFlags } from './shared-flags.ts';
import { nodeFlag } from './status/node-flag.ts';
import { contextNamespace } from './view/context-namespace.ts';
import { openView } from './view/open-view.ts';
import { tellGaps } from './view/tell-gaps.ts';
import type { View } from './view/view.ts';
import { viewFlags } from './view/view-flags.ts';

export const planLine = {
  command: 'kubectl macvtap plan',
  summary:
    'Prints what each node would expose: of a cluster, or of nodes, node states and policies in a directory. With -f or\n' +
    '--delete, what applying the files, or deleting the objects, would change. Exit code 0: printed, or no change; 1:\n' +
    'something would change, or is wrong with what was read; 2: it cannot be told.',
  positionals: ['directory?'],
  flags: {
    filename: { ...pathsFlag('FILE', 'would be applied: a file, a directory with all below it, or -'), short: 'f' },
    delete: pathsFlag('KIND/NAME', 'would be deleted: policy/<name> or configmap/<name>'),
    namespace: { ...textFlag('NAME', "of objects in files that name none; else the context's"), short: 'n' },
    ...nodeFlag,
    ...outputFlag,
    ...viewFlags,
    ...planningFlags,
  },
  failed: exitCode.usage,
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
          `${directory}: a file; name its directory, or ask by -f ${directory} what applying it would change`,
        );
      }
      // A directory as it is; the source is for everything that looks at a cluster.
      const source = directory === undefined ? values.source : ({ kind: 'manifests', directory } as const);
      const asked = { ...values, source };
      await using view = await openView(asked, startProgress(process.stderr));
      const isChange = values.filename.length > 0 || values.delete.length > 0;
      return isChange ? await tellChange(view, asked) : await tellPlans(view, asked);
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

async function tellPlans(view: View, values: Values): Promise<number> {
  const { plans, faults } = planSnapshot(view, await findExposure(values, view), values.node);
  // A script that asked for JSON gets some, also of nothing.
  if (plans.length > 0 || values.output !== 'table') {
    await printLine(renderPlans(plans, values.output, terminalWidth(process.stdout)));
  }
  tellGaps(view);
  for (const fault of faults) console.error(fault);
  return faults.length === 0 && view.faults.length === 0 ? exitCode.done : exitCode.failed;
}

async function tellChange(view: View, values: Values): Promise<number> {
  const inputs = await readInputs(values.filename, process.stdin);
  const namespace = values.namespace ?? (await contextNamespace(values));
  const { changes, isAboutNothing } = await measureChange(view, inputs, { ...values, namespace });
  const look = { paint: paintFor(process.stdout), width: terminalWidth(process.stdout) };
  await printLine(render(changes, values.output, (given) => renderChanges(given, look)));
  tellGaps(view);
  // As of a wrong path: no change is no success then.
  if (isAboutNothing) {
    const paths = values.filename.map((path) => (path === '-' ? 'standard input' : path)).join(', ');
    console.error(`in ${printable(paths)} is nothing that plans rest on: no policy, no config map of macvtap-cni`);
  }
  return changes.nodes.some(({ resources }) => resources.length > 0) ? exitCode.failed : exitCode.done;
}
