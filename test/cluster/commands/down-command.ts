// SPDX-License-Identifier: Apache-2.0
import { exitCode } from '../../../runtime/run-command.ts';
import { createProgress } from '../../demo/progress.ts';
import { bringDown, findRemains } from '../bring-down.ts';
import { claimCluster } from '../claim-cluster.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = {
  command: 'npm run cluster -- down',
  summary: 'Ends the running cluster, or removes the remains of one. Does nothing if there is none.',
  positionals: [],
  flags: {},
} as const;

export async function runDown(argv: readonly string[]): Promise<void> {
  const down = async () => {
    const { step } = createProgress(console.log, new AbortController().signal);
    const claim = await claimCluster(line.command, { takesKept: true });
    await step('all processes of the cluster have ended, and its files and links are removed', bringDown);
    await claim.release();
    const remains = await findRemains();
    if (remains.length === 0) return exitCode.done;
    console.error(`left: ${remains.join(', ')}`);
    return exitCode.failed;
  };
  await runClusterCommand(line, down, argv);
}
