// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { glob, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../control-plane/wait-for.ts';
import { type ClusterRecord, writeNodePlan } from '../cluster-record.ts';
import { containerdConfig } from '../configs/containerd-config.ts';
import { kubeletConfig } from '../configs/kubelet-config.ts';
import { writeIdentity } from '../identity.ts';
import { loadImages } from '../images/load-image.ts';
import { type NodePlan, nodeAddress, nodeFolder, nodeGroup, paths } from '../layout.ts';
import { run } from '../run.ts';
import { startDaemon, stopDaemon } from '../start-daemon.ts';
import { inNode, makeNodeHost } from './make-node-host.ts';
import { installNetworkPlugins, startMultusDaemon } from './network-plugins.ts';
import { makeNodeNetwork } from './node-network.ts';

/** Makes a node and starts its programs. The node is Ready some seconds later. */
export async function startNode(record: ClusterRecord, node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await mkdir(nodeFolder(node.name), { recursive: true });
  await writeNodePlan(node);
  await writeIdentity(kubeletKubeconfig(node.name), record, {
    user: `system:node:${node.name}`,
    groups: ['system:nodes'],
  });
  const controlGroups = { cgroupDriver: 'cgroupfs', cgroupRoot: `/${nodeGroup(node.name)}`, failCgroupV1: false };
  await writeFile(kubeletConfigFile(node.name), kubeletConfig(record.caFile, controlGroups));
  await switchOn(record, node, others, async () => {
    await installNetworkPlugins(record, node);
    await startWithImages(node.name, record);
  });
}

/**
 * Starts a new node's containerd with the cluster's images. Loading them takes containerd several seconds, so only the
 * first node does, and the others get copies.
 */
async function startWithImages(node: string, record: ClusterRecord): Promise<void> {
  if (existsSync(paths.images)) {
    await copyImages(paths.images, containerdRoot(node));
    return await startContainerd(node);
  }
  await startContainerd(node);
  await loadImages(node, record);
  await stopDaemon(containerdProcess(node));
  await copyImages(containerdRoot(node), paths.images);
  await startContainerd(node);
}

/**
 * Copies the folder of a containerd that does not run. containerd never changes a file of an image, so hard links are
 * enough for these. Databases change.
 */
async function copyImages(from: string, to: string): Promise<void> {
  await run('cp', '--archive', '--link', from, to);
  for await (const database of glob('io.containerd.*/*.db', { cwd: from })) {
    await run('cp', '--archive', '--remove-destination', join(from, database), join(to, database));
  }
}

/** Starts a node that was switched off. Its disk still has its content. */
export async function restartNode(record: ClusterRecord, node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await switchOn(record, node, others, () => startContainerd(node.name));
}

async function switchOn(
  record: ClusterRecord,
  node: NodePlan,
  others: readonly NodePlan[],
  prepare: () => Promise<void>,
): Promise<void> {
  await makeNodeNetwork(node, others);
  await makeNodeHost(node.name);
  await prepare();
  if (record.multus === 'thick') await startMultusDaemon(record, node.name);
  await startKubelet(node);
}

/** Starts a node's containerd, which takes over the containers that an earlier containerd left running. */
export async function startContainerd(node: string): Promise<void> {
  const config = join(nodeFolder(node), 'containerd.toml');
  // Images are outside of the node's own trees: these are overlays, on which containerd could not create the overlays
  // of containers.
  await writeFile(config, containerdConfig(containerdRoot(node), { registries: paths.registries }));
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

function containerdRoot(node: string): string {
  return join(nodeFolder(node), 'containerd');
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
