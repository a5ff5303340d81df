// SPDX-License-Identifier: Apache-2.0
import { binaryPath } from '../binaries/binary-path.ts';
import type { Credentials } from './credentials.ts';

export interface ApiServerOptions {
  readonly folder: string;
  /** The address on which the server listens, and which it advertises. */
  readonly address: string;
  readonly port: number;
  /** The address of its etcd. */
  readonly etcd: string;
  readonly credentials: Credentials;
  /** Additional options for a cluster with nodes. */
  readonly flags?: readonly string[];
}

/** The addresses of Services. The first one is that of the API server's own Service. */
export const serviceRange = '10.96.0.0/24';

/**
 * Returns the command of a kube-apiserver with the same authorization as in real clusters: Node, RBAC, NodeRestriction.
 */
export function apiServerCommand(options: ApiServerOptions): readonly [string, ...string[]] {
  const { folder, address, port, etcd, credentials, flags = [] } = options;
  return [
    binaryPath('kube-apiserver'),
    `--bind-address=${address}`,
    `--secure-port=${port}`,
    `--advertise-address=${address}`,
    '--endpoint-reconciler-type=none',
    `--etcd-servers=${etcd}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${credentials.servingCertificateFile}`,
    `--tls-private-key-file=${credentials.servingKeyFile}`,
    `--token-auth-file=${credentials.tokensFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountPublicKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-cluster-ip-range=${serviceRange}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    // Priority and fairness would protect the server from busy clients. Tests do not need that, and it would slow them
    // down.
    '--enable-priority-and-fairness=false',
    '--shutdown-delay-duration=0s',
    ...flags,
  ];
}
