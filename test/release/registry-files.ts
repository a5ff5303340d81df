// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { generateCA } from '../control-plane/credentials.ts';

/** The only user of a test registry. The hash is that of the password, in the format of htpasswd(1) with bcrypt. */
export const registryUser = {
  name: 'releaser',
  password: 'tops3cret-of-the-test-registry',
  hash: '$2b$05$abcdefghijklmnopqrstuunVWEcKMkVvNYxzxt.ABhERz21Dt0aHa',
} as const;

/** The files of a registry, and those with which clients reach it. */
export interface RegistryFiles {
  /** @example '127.0.0.1:20000' */
  readonly host: string;
  /** The configuration for `registry serve`. */
  readonly configFile: string;
  /** The CA of its certificate. */
  readonly caFile: string;
  /** The folder with config.json, the credentials of Docker's format. Clients find it in DOCKER_CONFIG. */
  readonly credentialsFolder: string;
  /** The data of the registry. */
  readonly dataFolder: string;
}

/** Writes the files of a registry that serves TLS on an address and accepts only `registryUser`. */
export async function writeRegistryFiles(folder: string, address: string, port: number): Promise<RegistryFiles> {
  const ca = await generateCA('kube-macvtap test registry authority');
  const serving = await generate([{ name: 'commonName', value: 'registry' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: address }] },
    ],
  });
  const host = `${address}:${port}`;
  const file = (name: string) => join(folder, name);
  await mkdir(file('credentials'), { recursive: true });
  await writeFile(file('ca.crt'), ca.cert);
  await writeFile(file('tls.crt'), serving.cert);
  await writeFile(file('tls.key'), serving.private, { mode: 0o600 });
  await writeFile(file('htpasswd'), `${registryUser.name}:${registryUser.hash}\n`);
  await writeFile(join(file('credentials'), 'config.json'), credentials(host), { mode: 0o600 });
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: file('data') }, delete: { enabled: true } },
    http: { addr: host, tls: { certificate: file('tls.crt'), key: file('tls.key') } },
    auth: { htpasswd: { realm: 'kube-macvtap', path: file('htpasswd') } },
  };
  // YAML is a superset of JSON.
  await writeFile(file('registry.yaml'), JSON.stringify(config));
  return {
    host,
    configFile: file('registry.yaml'),
    caFile: file('ca.crt'),
    credentialsFolder: file('credentials'),
    dataFolder: file('data'),
  };
}

/** Returns Docker's config.json for a registry. */
export function credentials(host: string, password: string = registryUser.password): string {
  const auth = Buffer.from(`${registryUser.name}:${password}`).toString('base64');
  return JSON.stringify({ auths: { [host]: { auth } } });
}
