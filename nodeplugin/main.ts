// SPDX-License-Identifier: Apache-2.0

import { keepMemorySmall, widenThreadPool } from '../runtime/environment.ts';
import { signalScope } from '../runtime/run-command.ts';

// Signal handling is set up before the other modules are loaded, because a signal while they are being loaded must not
// kill the process.
using scope = signalScope();
// Up to sixteen links may be removed at the same time (links/open-node-links.ts). Each removal blocks a thread of
// libuv's pool while it waits for the kernel. The other threads remain free for all other work.
widenThreadPool(28);

const { exitCode, runCommand } = await import('../runtime/run-command.ts');
const { nodePluginLine } = await import('./config.ts');

await runCommand(nodePluginLine, async (config) => {
  const [{ openLog }, { runNodePlugin }, { libc }] = await Promise.all([
    import('../runtime/log.ts'),
    import('./run-node-plugin.ts'),
    import('./netlink/libc.ts'),
  ]);
  if (scope.signal.aborted) return exitCode.done;
  using logging = openLog(config['log-level'], config['log-level-file']);
  using _memory = keepMemorySmall({ calls: libc });
  await runNodePlugin(config, logging.log, scope.signal).catch((thrown: unknown) => {
    // After an abort, errors of interrupted operations are expected.
    if (!scope.signal.aborted) throw thrown;
  });
  return exitCode.done;
});
