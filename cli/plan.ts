// SPDX-License-Identifier: Apache-2.0
import { commonFlags, exposureFlags } from '../cluster/common-flags.ts';
import { ManifestsSource } from '../cluster/manifests/manifests-source.ts';
import { readExposure } from '../cluster/wanted.ts';
import { choiceFlag, textFlag } from '../runtime/flag-types.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { planSnapshot } from './plan/plan-snapshot.ts';
import { renderPlans } from './plan/render-plans.ts';

const line = {
  command: 'kubectl macvtap plan',
  summary: 'Prints what each node would expose, from nodes, node states and policies given as files.',
  positionals: ['directory'],
  flags: {
    node: textFlag('NAME', 'only this node'),
    o: choiceFlag(['table', 'json', 'yaml'], 'how to print', 'table'),
    namespace: commonFlags.namespace,
    ...exposureFlags,
  },
} as const;

export function runPlan(argv: readonly string[]): Promise<void> {
  return runCommand(
    line,
    async (values, [directory = '']) => {
      const exposure = readExposure(values);
      await using source = await ManifestsSource.open(directory, values.namespace);
      const { plans, faults } = planSnapshot(source, exposure, values.node);
      // A script that asked for JSON gets some, also of nothing.
      if (plans.length > 0 || values.o !== 'table') console.log(renderPlans(plans, values.o));
      for (const fault of faults) console.error(fault);
      return faults.length === 0 ? exitCode.done : exitCode.failed;
    },
    argv,
  );
}
