// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { binaryPath } from '../../binaries/binary-path.ts';
import { networkPlugins } from '../../binaries/recipes.ts';
import { makeApiClient } from '../../control-plane/api-client.ts';
import { waitFor } from '../../control-plane/wait-for.ts';
import type { ClusterRecord } from '../cluster-record.ts';
import { cniConfigs, cniFolder, multusDaemonConfig, multusFile, multusKubeconfig } from '../configs/cni-config.ts';
import { writeIdentity } from '../identity.ts';
import { multusAccount } from '../install-base.ts';
import { apiServerAddress, apiServerUrl, type NodePlan } from '../layout.ts';
import { startDaemon } from '../start-daemon.ts';
import { inNode, pathInNode } from './make-node-host.ts';

/**
 * Makes links to the network plugins' programs in the node's /opt/cni/bin, and writes the node's CNI configurations.
 */
export async function installNetworkPlugins(record: ClusterRecord, node: NodePlan): Promise<void> {
  const programs = await pathInNode(node.name, '/opt/cni/bin');
  await mkdir(programs, { recursive: true });
  for (const name of networkPlugins) await symlink(binaryPath(name), join(programs, name));
  const kubeconfig = await pathInNode(node.name, multusKubeconfig);
  await mkdir(dirname(kubeconfig), { recursive: true });
  await writeIdentity(kubeconfig, record, { user: 'multus' });
  const folder = await pathInNode(node.name, cniFolder);
  for (const [file, config] of Object.entries(cniConfigs(node, record.multus))) {
    await writeFile(join(folder, file), JSON.stringify(config, null, 2));
  }
}

const daemonConfigFile = `${cniFolder}/multus.d/daemon-config.json`;

/** Where a program in a pod finds its credentials. /var/run is a link to /run. */
const credentialsFolder = '/run/secrets/kubernetes.io/serviceaccount';

const tokenSeconds = 24 * 60 * 60;

/**
 * Starts thick Multus' daemon, and waits until it takes requests. It runs on the node itself instead of in a pod, but
 * with the credentials and the environment of a pod.
 */
export async function startMultusDaemon(record: ClusterRecord, node: string): Promise<void> {
  const credentials = await pathInNode(node, credentialsFolder);
  await mkdir(credentials, { recursive: true });
  await writeFile(join(credentials, 'token'), await requestToken(record), { mode: 0o600 });
  await writeFile(join(credentials, 'ca.crt'), record.ca);
  await writeFile(await pathInNode(node, daemonConfigFile), JSON.stringify(multusDaemonConfig, null, 2));
  // The daemon writes this file when it is ready. A rebooted node still has the file of the earlier daemon.
  const written = await pathInNode(node, `${cniFolder}/${multusFile}`);
  await rm(written, { force: true });
  const name = multusProcess(node);
  const daemon = await startDaemon({
    name,
    command: await inNode(node, ['multus-daemon', `-config=${daemonConfigFile}`]),
    environment: {
      KUBERNETES_SERVICE_HOST: apiServerAddress,
      KUBERNETES_SERVICE_PORT: '443',
      MULTUS_NODE_NAME: node,
    },
    forks: 1,
  });
  await waitFor(name, daemon, async () => existsSync(written));
}

export function multusProcess(node: string): string {
  return `${node}-multus-daemon`;
}

async function requestToken({ ca, adminToken }: ClusterRecord): Promise<string> {
  using admin = makeApiClient(apiServerUrl, ca, adminToken);
  const path = `/api/v1/namespaces/${multusAccount.namespace}/serviceaccounts/${multusAccount.name}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: tokenSeconds },
  };
  const { status } = await admin.must<{ readonly status: { readonly token: string } }>('POST', path, { body });
  return status.token;
}
