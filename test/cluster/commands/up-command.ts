// SPDX-License-Identifier: Apache-2.0
import { switchFlag } from '../../../runtime/flag-types.ts';
import { exitCode } from '../../../runtime/run-command.ts';
import { signalScope } from '../../../runtime/signals.ts';
import { createProgress } from '../../demo/progress.ts';
import { bringDown, findRemains } from '../bring-down.ts';
import { bringUp } from '../bring-up.ts';
import { claimCluster } from '../claim-cluster.ts';
import { installByHelm } from '../install/install-by-helm.ts';
import { ownImages } from '../install/own-images.ts';
import { paths } from '../layout.ts';
import { keepLogs } from '../logs.ts';
import { nodeTable } from '../node-table.ts';
import { seedNodes } from '../seed-nodes.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = {
  command: 'npm run cluster -- up',
  summary:
    'Brings a cluster up with the chart installed, instead of one that is up. It stays until npm run cluster -- down.',
  positionals: [],
  flags: { bare: switchFlag('without images of ours and the chart: Multus alone') },
} as const;

export async function runUp(argv: readonly string[]): Promise<void> {
  const up = async ({ bare: isBare }: { readonly bare: boolean }) => {
    using scope = signalScope();
    const claim = await claimCluster(line.command, { takesKept: true });
    try {
      const progress = createProgress(console.log, scope.signal);
      // Before there is a cluster: to build takes a minute, and much memory.
      const images = isBare
        ? []
        : await progress.step('images of webhook and node plugin', () => ownImages(console.log));
      await using cluster = await bringUp(seedNodes, progress, { images });
      if (!isBare) {
        await progress.step('helm install: webhook and node plugins are Ready', () => installByHelm(cluster));
      }
      await claim.keep();
      console.log(
        `\n${nodeTable(await cluster.nodes())}\n\nexport KUBECONFIG=${cluster.kubeconfig} PATH=${paths.programs}:$PATH`,
      );
      return exitCode.done;
    } catch (thrown) {
      if (scope.signal.aborted) return await giveUp();
      console.error(`logs are kept in ${await keepLogs()}`);
      await bringDown();
      await claim.release();
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
