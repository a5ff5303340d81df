// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** The node plugin as Node.js starts it. */
export interface PluginForm extends AsyncDisposable {
  readonly name: 'source' | 'bundled';
  /** The file that Node.js runs. */
  readonly main: string;
}

const root = new URL('../../', import.meta.url);
const entry = fileURLToPath(new URL('nodeplugin/main.ts', root));

export const sourceForm: PluginForm = { name: 'source', main: entry, [Symbol.asyncDispose]: async () => {} };

/** One file with everything that is reached from main.ts, in a temporary folder; koffi stays outside: it is native. */
export async function bundlePlugin(): Promise<PluginForm> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-')));
  const main = join(folder.path, 'dist/main.mjs');
  await mkdir(join(folder.path, 'dist'));
  await symlink(fileURLToPath(new URL('node_modules', root)), join(folder.path, 'node_modules'));
  await build({
    entryPoints: [entry],
    outfile: main,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minify: true,
    logLevel: 'error',
    external: ['koffi'],
    // What is CommonJS in the bundle still asks for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [keepDataFiles],
  });
  const scope = undo.move();
  return { name: 'bundled', main, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Modules of ours read .proto and schema files beside them: in the bundle, too, from where the sources lie. */
const keepDataFiles: Plugin = {
  name: 'keep-data-files',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href);
      return { loader: 'ts', contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', url) };
    });
  },
};
