// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NodePlan, nodeAddress, nodeFolder } from '../layout.ts';

/** The key with which this machine logs in to a node that is a machine. */
export function loginKey(node: string): string {
  return join(nodeFolder(node), 'login');
}

/** Returns the plan of a node if it is a machine. */
export function machinePlan(node: string): NodePlan | undefined {
  const file = join(nodeFolder(node), 'node.json');
  if (!existsSync(file)) return undefined;
  const plan = JSON.parse(readFileSync(file, 'utf8')) as NodePlan;
  return plan.machine === undefined ? undefined : plan;
}

/** The host key is the root image's, and a machine that no longer answers must not block a command forever. */
const options = [
  ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'],
  ...['ConnectTimeout=10', 'ServerAliveInterval=10', 'ServerAliveCountMax=12'],
].flatMap((option) => ['-o', option]);

/** Returns a command that runs a program in a machine, with this command's input and output. */
export function inMachine(
  plan: Pick<NodePlan, 'name' | 'number'>,
  command: readonly string[],
): readonly [string, ...string[]] {
  const login = `root@${nodeAddress(plan)}`;
  return ['ssh', '-F', '/dev/null', '-i', loginKey(plan.name), ...options, login, '--', command.map(quoted).join(' ')];
}

/** The login shell splits the command into words again. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
