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
import { apiServerAddress, apiServerUrl, bridge, clusterFolder, paths } from './layout.ts';
import { startDaemon } from './start-daemon.ts';

/** Starts etcd and the API server, and writes an administrator's kubeconfig. */
export async function startApiServer(): Promise<ClusterRecord> {
  const credentials = await makeCredentials(clusterFolder, [apiServerAddress, bridge.address]);
  const { ca, caKey, caFile, adminToken } = credentials;
  const record: ClusterRecord = { ca, caKey, caFile, adminToken };
  const [port = 0, peerPort = 0] = await findPorts(2);
  const etcdOptions = { folder: clusterFolder, port, peerPort };
  const etcd = await startDaemon({ name: 'etcd', command: etcdCommand(etcdOptions) });
  await waitFor('etcd', etcd, () => isEtcdReady(etcdOptions));

  const { certificate, key } = await makeIdentity(record, { user: 'kube-apiserver', groups: ['system:masters'] });
  const certificateFile = join(clusterFolder, 'kubelet-client.crt');
  const keyFile = join(clusterFolder, 'kubelet-client.key');
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const apiServer = await startDaemon({
    name: 'kube-apiserver',
    command: apiServerCommand({
      folder: clusterFolder,
      address: apiServerAddress,
      port: 443,
      etcd: etcdUrl(etcdOptions),
      credentials,
      flags: [
        `--client-ca-file=${caFile}`,
        `--kubelet-client-certificate=${certificateFile}`,
        `--kubelet-client-key=${keyFile}`,
        '--kubelet-preferred-address-types=InternalIP',
        // Webhooks' Services are then reached at their pods' addresses: no proxy runs here.
        '--enable-aggregator-routing=true',
      ],
    }),
  });
  using admin = makeApiClient(apiServerUrl, ca, adminToken);
  await waitFor('kube-apiserver', apiServer, async () => (await admin.call('GET', '/readyz')).status === 200);
  await writeToken(paths.kubeconfig, record, adminToken);
  await writeClusterRecord(record);
  return record;
}

/** Starts the controller manager and the scheduler, each with the identity that the API server has rights for. */
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
        '--bind-address=127.0.0.1',
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
