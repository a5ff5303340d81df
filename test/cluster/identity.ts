// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { generate } from 'selfsigned';
import type { ClusterRecord } from './cluster-record.ts';
import { apiServerUrl } from './layout.ts';

/** The identity of a component of the cluster: a certificate's common name and its organizations. */
export interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
}

/** Makes a key pair, in PEM, whose certificate the cluster's CA signs. */
export async function makeIdentity(
  { ca, caKey }: Pick<ClusterRecord, 'ca' | 'caKey'>,
  { user, groups = [] }: Identity,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const names = [{ name: 'commonName', value: user }, ...groups.map((value) => ({ name: 'organizationName', value }))];
  const pair = await generate(names, {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: caKey, cert: ca },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', clientAuth: true },
    ],
  });
  return { certificate: pair.cert, key: pair.private };
}

/** Writes a kubeconfig that contains everything inline, so that it can be read in any node. */
export async function writeIdentity(path: string, record: ClusterRecord, identity: Identity): Promise<void> {
  const { certificate, key } = await makeIdentity(record, identity);
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
  await writeKubeconfig(path, record, user);
}

/** Writes a kubeconfig for a client with a token. */
export async function writeToken(path: string, record: ClusterRecord, token: string): Promise<void> {
  await writeKubeconfig(path, record, { token });
}

async function writeKubeconfig(path: string, { ca }: ClusterRecord, user: object): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: apiServerUrl, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
