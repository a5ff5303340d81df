// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageFile from '../../../package.json' with { type: 'json' };
import { binaryPath } from '../../binaries/binary-path.ts';
import type { HelmName } from '../../chart/run-helm.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { clusterValues } from '../../cluster/install/cluster-values.ts';
import type { SigningKey } from '../../cluster/registry/prepare-release.ts';
import { generateCA } from '../../control-plane/credentials.ts';
import { type Answer, type Names, pageBlock, pageCode, runOnTerminal } from '../../docs/page-commands.ts';
import { root } from '../../house/source-files.ts';
import { type RegistryFiles, registryUser } from '../registry-files.ts';

const page = 'docs/how-to/install.md';

/** The texts that a user of the page replaces: the host, and the version of the release. */
const placeholders = { host: 'registry.example.com', version: packageFile.version } as const;

/** Runs commands of docs/how-to/install.md on a terminal, in one folder and with one home directory. */
export interface InstallPage extends AsyncDisposable {
  readonly folder: string;
  /** The key that signs the release. Its public part is cosign.pub in the folder. */
  readonly key: SigningKey;
  /** Runs the block that begins with `start`. */
  run(start: string, options?: PageOptions): Promise<string>;
  /** Logs in with the command in the page's text, which asks for the account. */
  login(): Promise<string>;
}

export interface PageOptions {
  /** The version of the release; the default is the version in the page. */
  readonly version?: string;
  /** Further texts to replace. */
  readonly names?: Names;
  /** Flags that the page names in its text. They are added at the end. */
  readonly more?: string;
  /** A line of the block, from 0. By default, the whole block runs. */
  readonly line?: number;
  readonly helm?: HelmName;
  readonly answers?: readonly Answer[];
}

/** The answers to a program that asks for an account of the registry. */
export const account: readonly Answer[] = [
  { prompt: 'Username:', text: registryUser.name },
  { prompt: 'Password:', text: registryUser.password },
];

/**
 * Opens the page for the administrator of a cluster and a registry. The machine trusts the registry's CA, but has no
 * credentials. The folder has what the page takes for granted: the public key, a clone's charts, and a CA.
 */
export async function openInstallPage(registry: RegistryFiles, cluster: Cluster): Promise<InstallPage> {
  await using undo = new AsyncDisposableStack();
  const home = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-page-')));
  const folder = join(home.path, 'work');
  await mkdir(folder);
  for (const helm of ['helm', 'helm3'] as const) {
    const programs = { helm, kubectl: 'kubectl', cosign: 'cosign', oras: 'oras' } as const;
    await mkdir(join(home.path, helm));
    for (const [name, program] of Object.entries(programs))
      await symlink(binaryPath(program), join(home.path, helm, name));
  }
  const environment = (helm: HelmName) => ({
    HOME: home.path,
    KUBECONFIG: cluster.kubeconfig,
    PATH: `${join(home.path, helm)}:/usr/local/bin:/usr/bin:/bin`,
    // Go's programs trust this CA, as if it were installed on the machine.
    SSL_CERT_FILE: registry.caFile,
  });
  const key = { file: join(folder, 'cosign.key'), password: 'tops3cret-of-the-signing-key' };
  const signer = { ...environment('helm'), COSIGN_PASSWORD: key.password };
  await runOnTerminal('cosign generate-key-pair', { folder, environment: signer });
  const { image: _local, ...values } = (await clusterValues()) as { readonly image: object };
  await writeFile(join(folder, 'nodes.yaml'), JSON.stringify(values));
  await writeFile(join(folder, 'ca.crt'), (await generateCA('webhook clients')).cert);
  await symlink(`${root}charts`, join(folder, 'charts'));
  const scope = undo.move();
  return {
    folder,
    key,
    async run(start, { version = placeholders.version, names, more = '', line, helm = 'helm', answers = [] } = {}) {
      const block = pageBlock(page, start, names).replaceAll(placeholders.host, registry.host);
      const commands = block.replaceAll(placeholders.version, version).split('\n');
      const chosen = line === undefined ? commands.join('\n') : (commands[line] ?? '');
      return await runOnTerminal(`${chosen} ${more}`, { folder, environment: environment(helm), answers });
    },
    async login() {
      const command = pageCode(page, 'oras login', { [placeholders.host]: registry.host });
      return await runOnTerminal(command, { folder, environment: environment('helm'), answers: account });
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** The flags for the installation: the pull secret as the page names it, and the values for the cluster's nodes. */
export function installFlags(): string {
  return `${pageCode(page, '--set ', {})} --values nodes.yaml`;
}
