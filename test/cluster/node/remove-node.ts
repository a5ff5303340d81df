// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { readNodePlans } from '../cluster-record.ts';
import { removeGroup } from '../control-groups.ts';
import { nodeFolder, nodeGroup } from '../layout.ts';
import { stopDaemon } from '../start-daemon.ts';
import { hostProcess } from './make-node-host.ts';
import { removeNodeNetwork } from './node-network.ts';
import { containerdProcess, kubeletProcess } from './start-node.ts';

/** Removes a node as a machine that is switched off: nothing is drained, and everything of it goes. */
export async function removeNode(name: string): Promise<void> {
  const plans = await readNodePlans();
  const plan = plans.find((one) => one.name === name);
  if (plan === undefined)
    throw new Error(`${name}: no such node; there are ${plans.map((one) => one.name).join(', ')}`);
  // With the first process of the node's own process namespace, the kernel ends all others in it.
  await stopDaemon(hostProcess(name), 0);
  for (const process of [kubeletProcess(name), containerdProcess(name)]) await stopDaemon(process, 0);
  await removeGroup(nodeGroup(name));
  await removeNodeNetwork(
    plan,
    plans.filter((one) => one.name !== name),
  );
  await rm(nodeFolder(name), { recursive: true, force: true });
}
