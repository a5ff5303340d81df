// SPDX-License-Identifier: Apache-2.0
import { switchFlag } from '../../../runtime/flag-types.ts';
import { exitCode } from '../../../runtime/run-command.ts';
import { signalScope } from '../../../runtime/signals.ts';
import { createProgress } from '../../demo/progress.ts';
import { bringDown, findRemains } from '../bring-down.ts';
import { bringUp } from '../bring-up.ts';
import { installFromSource } from '../install/install-from-source.ts';
import { keepLogs } from '../logs.ts';
import { nodeTable } from '../node-table.ts';
import { seedNodes } from '../seed-nodes.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = {
  command: 'npm run cluster -- up',
  summary: 'Brings a cluster up, instead of one that is up. It stays until npm run cluster -- down.',
  positionals: [],
  flags: { 'from-source': switchFlag('also install what this source tree is: webhook and node plugins') },
} as const;

export async function runUp(argv: readonly string[]): Promise<void> {
  const up = async ({ 'from-source': isInstalled }: { readonly 'from-source': boolean }) => {
    using scope = signalScope();
    try {
      const progress = createProgress(console.log, scope.signal);
      await using cluster = await bringUp(seedNodes, progress);
      if (isInstalled) {
        await progress.step('webhook and node plugins run out of this source tree', () => installFromSource(cluster));
      }
      console.log(`\n${nodeTable(await cluster.nodes())}\n\nexport KUBECONFIG=${cluster.kubeconfig}`);
      return exitCode.done;
    } catch (thrown) {
      if (scope.signal.aborted) return await giveUp();
      console.error(`logs are kept in ${await keepLogs()}`);
      await bringDown();
      throw thrown;
    }
  };
  await runClusterCommand(line, up, argv);
}

/** The step that was under way goes on by itself for a moment, and may make things anew that were just removed. */
async function giveUp(): Promise<never> {
  do await bringDown();
  while ((await findRemains()).length > 0);
  process.exit(exitCode.failed);
}
