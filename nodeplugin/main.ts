// SPDX-License-Identifier: Apache-2.0
import { createLog } from '../runtime/log.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { signalScope } from '../runtime/signals.ts';
import { nodePluginLine } from './config.ts';
import { runNodePlugin } from './run-node-plugin.ts';

await runCommand(nodePluginLine, async (config) => {
  using scope = signalScope();
  await runNodePlugin(config, createLog(config['log-level']), scope.signal).catch((thrown: unknown) => {
    // Whatever was given up in the middle because the process is to end.
    if (!scope.signal.aborted) throw thrown;
  });
  return exitCode.done;
});
