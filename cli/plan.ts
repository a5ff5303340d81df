// SPDX-License-Identifier: Apache-2.0
import { exposureFlags } from '../cluster/common-flags.ts';
import { readExposure } from '../cluster/wanted.ts';
import { textFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { outputFlag } from './output/output-flag.ts';
import { startProgress } from './output/progress.ts';
import { planSnapshot } from './plan/plan-snapshot.ts';
import { renderPlans } from './plan/render-plans.ts';
import { openView } from './view/open-view.ts';
import { tellGaps } from './view/tell-gaps.ts';
import { viewFlags } from './view/view-flags.ts';

const line = {
  command: 'kubectl macvtap plan',
  summary: 'Prints what each node would expose: of a cluster, or of nodes, node states and policies given as files.',
  positionals: ['directory?'],
  flags: {
    node: textFlag('NAME', 'only this node'),
    ...outputFlag,
    ...viewFlags,
    ...exposureFlags,
  },
} as const;

export function runPlan(argv: readonly string[]): Promise<void> {
  return runCommand(
    line,
    async (values, [directory]) => {
      const exposure = readExposure(values);
      // A directory as it is; the source is for everything that looks at a cluster.
      const source = directory === undefined ? values.source : ({ kind: 'manifests', directory } as const);
      await using view = await openView({ ...values, source }, startProgress(process.stderr));
      const { plans, faults } = planSnapshot(view, exposure, values.node);
      // A script that asked for JSON gets some, also of nothing.
      if (plans.length > 0 || values.output !== 'table') console.log(renderPlans(plans, values.output));
      tellGaps(view);
      for (const fault of faults) console.error(fault);
      return faults.length === 0 && view.faults.length === 0 ? exitCode.done : exitCode.failed;
    },
    argv,
  );
}
