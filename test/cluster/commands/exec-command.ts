// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitCode } from '../../../runtime/run-command.ts';
import { clusterEnvironment } from '../environment.ts';
import { inNode } from '../node/make-node-host.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const line = {
  command: 'npm run cluster -- exec',
  summary:
    "Runs a program in a node's namespaces, with its files and network. Exits with the program's code. ctr and kubectl are available.",
  positionals: ['node', 'program...'],
  flags: {},
} as const;

export async function runExec(argv: readonly string[]): Promise<void> {
  const [node, program, ...args] = argv;
  // All arguments after the node belong to the program, including those that begin with dashes.
  if (node === undefined || node.startsWith('-') || program === undefined) {
    return await runClusterCommand(line, async () => exitCode.usage, argv);
  }
  const exec = async () => {
    const [command, ...rest] = await inNode(node, [program, ...args]);
    const child = spawn(command, rest, { stdio: 'inherit', env: clusterEnvironment() });
    // The program also gets these signals from the terminal, and decides how to react.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
    const [code] = await once(child, 'exit');
    return typeof code === 'number' ? code : exitCode.failed;
  };
  await runClusterCommand({ ...line, positionals: [] }, exec, []);
}
