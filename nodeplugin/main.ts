// SPDX-License-Identifier: Apache-2.0
import { signalScope } from '../runtime/signals.ts';
import { widenThreadPool } from '../runtime/thread-pool.ts';

// Before everything else is loaded, which takes a while: a signal that comes meanwhile is not to kill the process.
using scope = signalScope();
// Sixteen links may be on their way out at once (links/open-node-links.ts), each with a thread that waits for the kernel.
widenThreadPool(24);

const { exitCode, runCommand } = await import('../runtime/run-command.ts');
const { nodePluginLine } = await import('./config.ts');

await runCommand(nodePluginLine, async (config) => {
  const [{ openLog }, { runNodePlugin }] = await Promise.all([
    import('../runtime/open-log.ts'),
    import('./run-node-plugin.ts'),
  ]);
  if (scope.signal.aborted) return exitCode.done;
  using logging = openLog(config['log-level'], config['log-level-file']);
  await runNodePlugin(config, logging.log, scope.signal).catch((thrown: unknown) => {
    // Whatever was given up in the middle because the process is to end.
    if (!scope.signal.aborted) throw thrown;
  });
  return exitCode.done;
});
