// SPDX-License-Identifier: Apache-2.0
import { createReadStream, existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { exitCode } from '../../../runtime/run-command.ts';
import { textTable } from '../../../runtime/terminal-text.ts';
import { listLogs } from '../logs.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = (positionals: readonly string[]) => ({
  command: 'npm run cluster -- logs',
  summary: 'Lists the logs of all components of the cluster, or prints one of them: npm run cluster -- logs h1-kubelet',
  positionals,
  flags: {},
});

export async function runLogs(argv: readonly string[]): Promise<void> {
  const logs = async (_: object, [part]: readonly string[]) => {
    const found = await listLogs();
    if (found.length === 0) throw new Error('no cluster is up: npm run cluster -- up');
    if (part === undefined) {
      const rows = found.map(({ part, bytes, path }) => [part, `${Math.ceil(bytes / 1024)}`, path]);
      console.log(textTable(['PART', 'KB', 'FILE'], rows));
      return exitCode.done;
    }
    const log = found.find((one) => one.part === part);
    if (log === undefined || !existsSync(log.path)) {
      throw new Error(`${part}: no such component; there are ${found.map((one) => one.part).join(', ')}`);
    }
    await pipeline(createReadStream(log.path), process.stdout, { end: false });
    return exitCode.done;
  };
  await runClusterCommand(line(argv.some((word) => !word.startsWith('-')) ? ['part'] : []), logs, argv);
}
