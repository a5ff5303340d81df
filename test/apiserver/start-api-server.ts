// SPDX-License-Identifier: Apache-2.0
import { binaryPath } from '../binaries/binary-path.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import type { ApiClient } from './api-client.ts';
import type { Credentials } from './credentials.ts';
import { waitFor } from './wait-for.ts';

export interface ApiServerOptions {
  readonly folder: string;
  readonly port: number;
  /** The address of its etcd. */
  readonly etcd: string;
  readonly credentials: Credentials;
  readonly admin: ApiClient;
}

/** Starts a kube-apiserver that authorizes as real ones do (Node, RBAC, NodeRestriction), and waits until it is ready. */
export async function startApiServer(options: ApiServerOptions): Promise<RunningProcess> {
  const { folder, port, etcd, credentials, admin } = options;
  await using scope = new AsyncDisposableStack();
  const running = scope.use(
    startProcess({
      name: 'kube-apiserver',
      command: [
        binaryPath('kube-apiserver'),
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        '--advertise-address=127.0.0.1',
        '--endpoint-reconciler-type=none',
        `--etcd-servers=${etcd}`,
        `--cert-dir=${folder}`,
        `--tls-cert-file=${credentials.servingCertificateFile}`,
        `--tls-private-key-file=${credentials.servingKeyFile}`,
        `--token-auth-file=${credentials.tokensFile}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${credentials.serviceAccountPublicKeyFile}`,
        `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
        '--service-cluster-ip-range=10.96.0.0/24',
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--allow-privileged=true',
        // Nobody's clients are to be spared here, and a test that is told to wait would only be slower.
        '--enable-priority-and-fairness=false',
        '--shutdown-delay-duration=0s',
      ],
    }),
  );
  await waitFor('kube-apiserver', running, async () => (await admin.call('GET', '/readyz')).status === 200);
  scope.move();
  return running;
}
