// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../machines/run-tool.ts';

/** Lets npm in a build use the same registry as npm on this machine. */
export interface NpmAccess extends AsyncDisposable {
  /** The flags for `buildah bud`: a secret and a mount. Neither becomes part of an image. */
  readonly flags: readonly string[];
  /** @example 'registry.npmjs.org' */
  readonly registryHost: string;
  /** The text of the secret. */
  readonly npmrc: string;
}

/** Writes this machine's npm configuration to a single file, which is removed when the scope ends. */
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
