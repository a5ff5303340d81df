// SPDX-License-Identifier: Apache-2.0
import { listFlag } from '../../../runtime/flags.ts';
import { exitCode } from '../../../runtime/run-command.ts';
import { createProgress } from '../../demo/progress.ts';
import { openCluster } from '../cluster.ts';
import { nodeTable } from '../node-table.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const addLine = {
  command: 'npm run cluster -- node add',
  summary: 'Adds a node to the running cluster, and waits until it is Ready.',
  positionals: ['name'],
  flags: {
    interfaces: listFlag(
      'NAMES',
      'its physical NICs; NICs with the same name on all nodes share one wire',
      'eth0,eth1',
    ),
    labels: listFlag('PAIRS', 'its labels: macvtapAware=true,zone=a', ''),
  },
} as const;

const removeLine = {
  command: 'npm run cluster -- node remove',
  summary: 'Removes a node as if its machine were switched off: nothing is drained.',
  positionals: ['name'],
  flags: {},
} as const;

export async function runNodeAdd(argv: readonly string[]): Promise<void> {
  const add = async (
    flags: { interfaces: readonly string[]; labels: readonly string[] },
    [name = '']: readonly string[],
  ) => {
    if (!/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name)) throw new Error(`${name}: not a valid node name`);
    const labels = Object.fromEntries(flags.labels.map((pair) => splitPair(pair)));
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`${name} runs containerd and kubelet`, () =>
      cluster.addNode({ name, labels, interfaces: flags.interfaces }),
    );
    await step('every node is Ready', () => cluster.untilReady());
    console.log(`\n${nodeTable(await cluster.nodes())}`);
    return exitCode.done;
  };
  await runClusterCommand(addLine, add, argv);
}

export async function runNodeRemove(argv: readonly string[]): Promise<void> {
  const remove = async (_: object, [name = '']: readonly string[]) => {
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`${name} is gone`, () => cluster.removeNode(name));
    return exitCode.done;
  };
  await runClusterCommand(removeLine, remove, argv);
}

function splitPair(pair: string): readonly [string, string] {
  const [, label, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
  if (label === undefined || value === undefined) throw new Error(`${pair}: write a label as name=value`);
  return [label, value];
}
