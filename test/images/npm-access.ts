// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../machines/run-tool.ts';

/** What lets npm inside a build reach the registry that npm on this machine uses. */
export interface NpmAccess extends AsyncDisposable {
  /** For `buildah bud`: a secret and a mount, neither of which gets into an image. */
  readonly flags: readonly string[];
  /** @example 'registry.npmjs.org' */
  readonly registryHost: string;
  /** The text of the secret. */
  readonly npmrc: string;
}

/** Gathers npm's configuration of this machine into one file, which goes with its scope. */
export async function readNpmAccess(): Promise<NpmAccess> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-npmrc-')));
  const setting = async (name: string) => (await runTool('npm', 'config', 'get', name)).trim();
  const [registry, authorities] = [await setting('registry'), await setting('cafile')];
  const files = [await setting('globalconfig'), await setting('userconfig')];
  const texts = await Promise.all(files.filter((file) => existsSync(file)).map((file) => readFile(file, 'utf8')));
  const npmrc = [...texts, `registry=${registry}`, ''].join('\n');
  const path = join(folder.path, 'npmrc');
  await writeFile(path, npmrc, { mode: 0o600 });
  const scope = undo.move();
  return {
    flags: [
      ...['--secret', `id=npmrc,src=${path}`],
      ...(existsSync(authorities) ? ['--volume', `${authorities}:${authorities}:ro`] : []),
    ],
    registryHost: new URL(registry).host,
    npmrc,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
