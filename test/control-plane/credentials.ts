// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Credentials and trusted keys of a control plane. Every name is a file in its folder. */
export interface Credentials {
  /** The CA that signed the API server's certificate, in PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** The CA's key, which signs further identities. */
  readonly caKey: string;
  readonly servingCertificateFile: string;
  readonly servingKeyFile: string;
  readonly serviceAccountPublicKeyFile: string;
  readonly serviceAccountKeyFile: string;
  /** Lines of `token,user,uid,"groups"`. */
  readonly tokensFile: string;
  /** The token of a member of system:masters. */
  readonly adminToken: string;
}

/**
 * Makes a control plane's CA, serving pair, service-account keys and administrator. The serving pair is valid for
 * loopback and for the given further addresses.
 */
export async function makeCredentials(folder: string, addresses: readonly string[] = []): Promise<Credentials> {
  const ca = await generateCA('kube-macvtap test authority');
  const serving = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: 'kubernetes.default.svc' },
          ...['127.0.0.1', ...addresses].map((ip) => ({ type: 7, ip }) as const),
        ],
      },
    ],
  });
  const serviceAccounts = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  const adminToken = randomBytes(16).toString('hex');
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: ca.cert,
    caKey: ca.private,
    adminToken,
    caFile: await write('ca.crt', ca.cert),
    servingCertificateFile: await write('apiserver.crt', serving.cert),
    servingKeyFile: await write('apiserver.key', serving.private),
    serviceAccountPublicKeyFile: await write('service-accounts.pub', serviceAccounts.publicKey),
    serviceAccountKeyFile: await write('service-accounts.key', serviceAccounts.privateKey),
    tokensFile: await write('tokens.csv', `${adminToken},admin,admin,"system:masters"\n`),
  };
}

/** Returns a kubeconfig for a token, as kubectl and the product's processes read it. */
export function kubeconfigText(server: string, caFile: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

/** Generates a CA, which can sign certificates. */
export async function generateCA(commonName: string) {
  return await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
}
