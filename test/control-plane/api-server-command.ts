// SPDX-License-Identifier: Apache-2.0
import { binaryPath } from '../binaries/binary-path.ts';
import type { Credentials } from './credentials.ts';

export interface ApiServerOptions {
  readonly folder: string;
  /** Where it listens, and what it calls itself. */
  readonly address: string;
  readonly port: number;
  /** The address of its etcd. */
  readonly etcd: string;
  readonly credentials: Credentials;
  /** What a cluster with nodes needs beside. */
  readonly flags?: readonly string[];
}

/** The addresses of Services; the first one is that of the API server's own. */
export const serviceRange = '10.96.0.0/24';

/** A kube-apiserver that authorizes as real ones do: Node, RBAC, NodeRestriction. */
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
    // Nobody's clients are to be spared here, and a test that is told to wait would only be slower.
    '--enable-priority-and-fairness=false',
    '--shutdown-delay-duration=0s',
    ...flags,
  ];
}
