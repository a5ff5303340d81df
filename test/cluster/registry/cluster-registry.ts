// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath } from '../../binaries/binary-path.ts';
import { waitFor } from '../../control-plane/wait-for.ts';
import { type RegistryFiles, writeRegistryFiles } from '../../release/registry-files.ts';
import { askRegistry } from '../../release/start-registry.ts';
import { bridge, paths } from '../layout.ts';
import { startDaemon } from '../start-daemon.ts';

const port = 5443;

/**
 * Starts a registry on the machine's address in the cluster, with TLS and basic authentication. Makes the containerd of
 * every node trust its CA; the credentials come from the pull secrets of pods.
 */
export async function startClusterRegistry(): Promise<RegistryFiles> {
  const files = await writeRegistryFiles(paths.registry, bridge.address, port);
  const server = await startDaemon({
    name: 'registry',
    command: [binaryPath('registry'), 'serve', files.configFile],
  });
  const ca = await readFile(files.caFile, 'utf8');
  await waitFor('registry', server, async () => (await askRegistry(files.host, ca)) === 401);
  const folder = join(paths.registries, files.host);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'hosts.toml'), hostsConfig(files));
  return files;
}

/** Returns containerd's hosts.toml for the registry. */
export function hostsConfig({ host, caFile }: Pick<RegistryFiles, 'host' | 'caFile'>): string {
  return `server = 'https://${host}'

[host.'https://${host}']
capabilities = ['pull', 'resolve']
ca = '${caFile}'
`;
}
