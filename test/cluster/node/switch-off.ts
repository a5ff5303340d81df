// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeGroup } from '../control-groups.ts';
import { type NodePlan, nodeFolder, nodeGroup } from '../layout.ts';
import { stopDaemon } from '../start-daemon.ts';
import { hostProcess } from './make-node-host.ts';
import { multusProcess } from './network-plugins.ts';
import { removeNodeNetwork } from './node-network.ts';
import { containerdProcess, kubeletProcess } from './start-node.ts';

/** Ends a node as if its power were cut. Nothing of it runs or is connected any more, and its disk remains. */
export async function switchOff(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  const { name } = node;
  // When the first process of the node's process namespace ends, the kernel ends all others in it.
  await stopDaemon(hostProcess(name), 0);
  for (const process of [kubeletProcess(name), containerdProcess(name), multusProcess(name)])
    await stopDaemon(process, 0);
  await removeGroup(nodeGroup(name));
  await removeNodeNetwork(node, others);
  await rm(join(nodeFolder(name), 'ready'), { force: true });
}
