// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** A program of ours as Node.js starts it. */
export interface ProgramForm extends AsyncDisposable {
  readonly name: 'source' | 'bundled';
  /** The file that Node.js runs. */
  readonly main: string;
}

/** By the folder of its main.ts. */
export type Program = 'nodeplugin' | 'webhook';

const root = new URL('../../', import.meta.url);

export function sourceForm(program: Program): ProgramForm {
  return { name: 'source', main: entryOf(program), [Symbol.asyncDispose]: async () => {} };
}

/**
 * Everything that is reached from main.ts, in a temporary folder: one file, and one more for each part that is imported
 * on need. koffi stays outside: it is native.
 */
export async function bundleProgram(program: Program): Promise<ProgramForm> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-')));
  const outdir = join(folder.path, 'dist');
  await mkdir(outdir);
  await symlink(fileURLToPath(new URL('node_modules', root)), join(folder.path, 'node_modules'));
  await build({
    entryPoints: [entryOf(program)],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    // The ES modules of what has both: jsonc-parser's other form requires its parts by a name that no bundler follows.
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'error',
    external: ['koffi'],
    // What is CommonJS in the bundle still asks for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [keepDataFiles],
  });
  const scope = undo.move();
  return { name: 'bundled', main: join(outdir, 'main.mjs'), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

function entryOf(program: Program): string {
  return fileURLToPath(new URL(`${program}/main.ts`, root));
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
