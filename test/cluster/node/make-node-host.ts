// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../../control-plane/wait-for.ts';
import { makeGroup } from '../control-groups.ts';
import { namespaceName, nodeFolder, nodeGroup } from '../layout.ts';
import { inMachine, machinePlan } from '../machine/in-machine.ts';
import { readRecord, startDaemon } from '../start-daemon.ts';

const init = fileURLToPath(new URL('node-init.sh', import.meta.url));

/** Returns the name of the process that keeps a node's namespaces alive. */
export function hostProcess(node: string): string {
  return `${node}-host`;
}

/** Makes a node without its programs: its namespaces, which a separate process holds, and its control groups. */
export async function makeNodeHost(node: string): Promise<void> {
  const folder = nodeFolder(node);
  await mkdir(folder, { recursive: true });
  await makeGroup(nodeGroup(node));
  const name = hostProcess(node);
  const daemon = await startDaemon({
    name,
    command: [
      ...(['nsenter', `--net=/run/netns/${namespaceName(node)}`] as const),
      // nsenter enters the network namespace, because `ip netns exec` would hide the control groups.
      ...['unshare', '--mount', '--propagation', 'private', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', init, folder, node],
    ],
    forks: 1,
  });
  await waitFor(name, daemon, async () => existsSync(join(folder, 'ready')));
}

/**
 * Returns a command that runs `command` as a program of the node: in all of its namespaces, or in its virtual machine.
 */
export async function inNode(
  node: string,
  command: readonly [string, ...string[]],
): Promise<readonly [string, ...string[]]> {
  const machine = machinePlan(node);
  if (machine !== undefined) return inMachine(machine, command);
  const { pid } = await hostRecord(node);
  return ['nsenter', `--target=${pid}`, '--mount', '--uts', '--net', '--pid', '--', ...command];
}

/** Returns a path in a node of namespaces, as this machine sees it. */
export async function pathInNode(node: string, path: string): Promise<string> {
  return join(`/proc/${(await hostRecord(node)).pid}/root`, path);
}

async function hostRecord(node: string) {
  const record = await readRecord(hostProcess(node));
  if (record === undefined) throw new Error(`${node}: no such node`);
  return record;
}
