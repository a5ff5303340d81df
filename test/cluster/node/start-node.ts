// SPDX-License-Identifier: Apache-2.0
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { binaryPath } from '../../binaries/binary-path.ts';
import { networkPlugins } from '../../binaries/recipes.ts';
import { waitFor } from '../../control-plane/wait-for.ts';
import { type ClusterRecord, writeNodePlan } from '../cluster-record.ts';
import { cniConfigs, cniFolder, multusKubeconfig } from '../configs/cni-config.ts';
import { containerdConfig } from '../configs/containerd-config.ts';
import { kubeletConfig } from '../configs/kubelet-config.ts';
import { writeIdentity } from '../identity.ts';
import { loadImages } from '../images/load-image.ts';
import { type NodePlan, nodeAddress, nodeFolder } from '../layout.ts';
import { run } from '../run.ts';
import { startDaemon } from '../start-daemon.ts';
import { inNode, makeNodeHost, pathInNode } from './make-node-host.ts';
import { makeNodeNetwork } from './node-network.ts';

/** Makes a node and starts its programs. The node is Ready some seconds later. */
export async function startNode(record: ClusterRecord, node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await mkdir(nodeFolder(node.name), { recursive: true });
  await writeNodePlan(node);
  await writeIdentity(kubeletKubeconfig(node.name), record, {
    user: `system:node:${node.name}`,
    groups: ['system:nodes'],
  });
  await writeFile(kubeletConfigFile(node.name), kubeletConfig(node.name, record.caFile));
  await switchOn(node, others, async () => {
    await installNetworkPlugins(record, node);
    await startContainerd(node.name);
    await loadImages(node.name, record);
  });
}

/** Starts a node that was switched off. Its disk still has its content. */
export async function restartNode(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await switchOn(node, others, () => startContainerd(node.name));
}

async function switchOn(node: NodePlan, others: readonly NodePlan[], prepare: () => Promise<void>): Promise<void> {
  await makeNodeNetwork(node, others);
  await makeNodeHost(node.name);
  await prepare();
  await startKubelet(node);
}

/** Starts a node's containerd, which takes over the containers that an earlier containerd left running. */
export async function startContainerd(node: string): Promise<void> {
  const config = join(nodeFolder(node), 'containerd.toml');
  await writeFile(config, containerdConfig(node));
  const name = containerdProcess(node);
  const daemon = await startDaemon({
    name,
    command: await inNode(node, ['containerd', '--config', config]),
    forks: 1,
  });
  const ask = await inNode(node, ['ctr', 'version']);
  await waitFor(name, daemon, async () => (await run(...ask)) !== '');
}

export async function startKubelet(node: NodePlan): Promise<void> {
  const labels = Object.entries(node.labels).map(([label, value]) => `${label}=${value}`);
  await startDaemon({
    name: kubeletProcess(node.name),
    command: await inNode(node.name, [
      'kubelet',
      `--config=${kubeletConfigFile(node.name)}`,
      `--kubeconfig=${kubeletKubeconfig(node.name)}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${nodeAddress(node)}`,
      `--node-labels=${labels.join(',')}`,
      '--v=2',
    ]),
    forks: 1,
  });
}

export function containerdProcess(node: string): string {
  return `${node}-containerd`;
}

export function kubeletProcess(node: string): string {
  return `${node}-kubelet`;
}

function kubeletConfigFile(node: string): string {
  return join(nodeFolder(node), 'kubelet.json');
}

function kubeletKubeconfig(node: string): string {
  return join(nodeFolder(node), 'kubelet.kubeconfig');
}

/** Installs the network plugins: symbolic links to the programs that were built, and the CNI configurations. */
async function installNetworkPlugins(record: ClusterRecord, node: NodePlan): Promise<void> {
  const programs = await pathInNode(node.name, '/opt/cni/bin');
  await mkdir(programs, { recursive: true });
  for (const name of networkPlugins) await symlink(binaryPath(name), join(programs, name));
  const kubeconfig = await pathInNode(node.name, multusKubeconfig);
  await mkdir(dirname(kubeconfig), { recursive: true });
  await writeIdentity(kubeconfig, record, { user: 'multus' });
  const folder = await pathInNode(node.name, cniFolder);
  for (const [file, config] of Object.entries(cniConfigs(node))) {
    await writeFile(join(folder, file), JSON.stringify(config, null, 2));
  }
}
