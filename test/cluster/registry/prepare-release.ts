// SPDX-License-Identifier: Apache-2.0
import { waitForLock } from '../../binaries/wait-for-lock.ts';
import { cacheFolder } from '../../images/ensure-images.ts';
import type { RegistryFiles } from '../../release/registry-files.ts';
import { makeReleaseTree, type ReleaseSource } from '../../release/release-tree.ts';
import { bridge } from '../layout.ts';

/** A file with cosign's private key, and its password. */
export interface SigningKey {
  readonly file: string;
  readonly password: string;
}

/** A release whose images are built. */
export interface PreparedRelease extends AsyncDisposable {
  readonly version: string;
  /** Publishes the release, and signs it if there is a key. */
  publish(registry: RegistryFiles, key?: SigningKey): Promise<void>;
}

/**
 * Builds the images of a release, by default of the working tree, before the cluster and its registry exist. Other
 * builds wait only while this one runs.
 */
export async function prepareRelease(
  print: (line: string) => void,
  source: ReleaseSource = {},
): Promise<PreparedRelease> {
  await using undo = new AsyncDisposableStack();
  await using _lock = await waitForLock(cacheFolder, print);
  const tree = undo.use(await makeReleaseTree(print, source));
  const run = async (flags: readonly string[], environment: Readonly<Record<string, string>>) => {
    await using running = tree.start(flags, environment);
    const { code } = await running.exit;
    if (code !== 0) throw new Error(`npm run release failed:\n${running.output}`);
  };
  await run(['--registry', `${bridge.address}:5443/kube-macvtap`, '--dry-run'], {});
  const scope = undo.move();
  return {
    version: tree.version,
    async publish({ host, caFile, credentialsFolder }, key) {
      // Two processes must not write the files of the same release at once.
      await using _publishing = await waitForLock(cacheFolder, print);
      const flags = ['--registry', `${host}/kube-macvtap`, '--ca-file', caFile];
      const account = { DOCKER_CONFIG: credentialsFolder };
      if (key === undefined) await run(flags, account);
      else await run([...flags, '--sign', key.file], { ...account, COSIGN_PASSWORD: key.password });
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
