// SPDX-License-Identifier: Apache-2.0

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeApiClient } from '../control-plane/api-client.ts';
import { apiServerCommand } from '../control-plane/api-server-command.ts';
import { makeCredentials } from '../control-plane/credentials.ts';
import { etcdCommand, etcdUrl, isEtcdReady } from '../control-plane/etcd-command.ts';
import { findPorts } from '../control-plane/find-ports.ts';
import { waitFor } from '../control-plane/wait-for.ts';
import { type ClusterRecord, writeClusterRecord } from './cluster-record.ts';
import { makeIdentity, writeIdentity, writeToken } from './identity.ts';
import { installationNamespace } from './install/release.ts';
import { apiServerAddress, apiServerUrl, bridge, clusterFolder, paths } from './layout.ts';
import { startDaemon } from './start-daemon.ts';

const kubeletClient = {
  certificate: join(clusterFolder, 'kubelet-client.crt'),
  key: join(clusterFolder, 'kubelet-client.key'),
};

/** The identity with which the API server connects to aggregated API servers, such as KubeVirt's. */
const frontProxy = {
  user: 'front-proxy',
  certificate: join(clusterFolder, 'front-proxy.crt'),
  key: join(clusterFolder, 'front-proxy.key'),
};

/** Starts etcd and the API server, and writes an administrator's kubeconfig. */
export async function startControlPlane(forNodes: Pick<ClusterRecord, 'images' | 'multus'>): Promise<ClusterRecord> {
  const credentials = await makeCredentials(clusterFolder, [apiServerAddress, bridge.address]);
  const [port = 0, peerPort = 0] = await findPorts(2);
  const etcdOptions = { folder: clusterFolder, port, peerPort };
  const etcd = await startDaemon({ name: 'etcd', command: etcdCommand(etcdOptions) });
  await waitFor('etcd', etcd, () => isEtcdReady(etcdOptions));

  const record: ClusterRecord = { ...credentials, etcdPort: port, ...forNodes };
  await writePair(kubeletClient, await makeIdentity(record, { user: 'kube-apiserver', groups: ['system:masters'] }));
  await writePair(frontProxy, await makeIdentity(record, frontProxy));
  await writeFile(auditPolicyFile, JSON.stringify(auditPolicy));
  await startApiServer(record);
  await writeToken(paths.kubeconfig, record, record.adminToken);
  await writeClusterRecord(record);
  return record;
}

export const apiServerProcess = 'kube-apiserver';

/** The log of the product's answered requests, as one JSON text per line. */
export const auditLog = join(paths.logs, 'audit.log');
const auditPolicyFile = join(clusterFolder, 'audit-policy.json');

/** Records the requests of the installation's service accounts, without their bodies. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', userGroups: [`system:serviceaccounts:${installationNamespace}`] }, { level: 'None' }],
};

/** Starts the API server, or starts it again after it was stopped, and waits until it is ready. */
export async function startApiServer(record: ClusterRecord): Promise<void> {
  const apiServer = await startDaemon({
    name: apiServerProcess,
    command: apiServerCommand({
      folder: clusterFolder,
      address: apiServerAddress,
      port: 443,
      etcd: etcdUrl({ port: record.etcdPort }),
      credentials: record,
      flags: [
        `--client-ca-file=${record.caFile}`,
        `--kubelet-client-certificate=${kubeletClient.certificate}`,
        `--kubelet-client-key=${kubeletClient.key}`,
        '--kubelet-preferred-address-types=InternalIP',
        `--audit-policy-file=${auditPolicyFile}`,
        `--audit-log-path=${auditLog}`,
        // No kube-proxy runs on the machine, so the API server must connect to the addresses of the webhooks' pods.
        '--enable-aggregator-routing=true',
        `--requestheader-client-ca-file=${record.caFile}`,
        `--requestheader-allowed-names=${frontProxy.user}`,
        '--requestheader-username-headers=X-Remote-User',
        '--requestheader-group-headers=X-Remote-Group',
        '--requestheader-extra-headers-prefix=X-Remote-Extra-',
        `--proxy-client-cert-file=${frontProxy.certificate}`,
        `--proxy-client-key-file=${frontProxy.key}`,
      ],
    }),
  });
  using admin = makeApiClient(apiServerUrl, record.ca, record.adminToken);
  await waitFor(apiServerProcess, apiServer, async () => (await admin.call('GET', '/readyz')).status === 200);
}

interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

async function writePair(files: PemPair, { certificate, key }: PemPair): Promise<void> {
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key, { mode: 0o600 });
}

/**
 * Starts the controller manager and the scheduler, each as the user to which the default RBAC roles of Kubernetes grant
 * its rights.
 */
export async function startControllers(record: ClusterRecord): Promise<void> {
  const start = async (program: 'kube-controller-manager' | 'kube-scheduler', flags: readonly string[]) => {
    const kubeconfig = join(clusterFolder, `${program}.kubeconfig`);
    await writeIdentity(kubeconfig, record, { user: `system:${program}` });
    await startDaemon({
      name: program,
      command: [
        program,
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        // The program's own endpoints are not used, and their default port may be in use on the machine.
        '--secure-port=0',
        '--leader-elect=false',
        ...flags,
      ],
    });
  };
  await start('kube-controller-manager', [
    '--use-service-account-credentials',
    `--service-account-private-key-file=${join(clusterFolder, 'service-accounts.key')}`,
    `--root-ca-file=${record.caFile}`,
  ]);
  await start('kube-scheduler', []);
}
