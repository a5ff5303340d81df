// SPDX-License-Identifier: Apache-2.0
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { carryDataFiles, dataLoaders } from './carry-data-files.ts';
import { copyKoffi } from './copy-koffi.ts';
import { readLicences, renderLicences } from './licences.ts';
import { takePlainHttp } from './take-plain-http.ts';

/** By their folders. */
export const programs = ['webhook', 'nodeplugin', 'cli'] as const;
export type Program = (typeof programs)[number];

const entries: Readonly<Record<Program, string>> = {
  webhook: 'webhook/main.ts',
  nodeplugin: 'nodeplugin/main.ts',
  cli: 'cli/kubectl-macvtap.ts',
};

export interface BundleOptions {
  readonly program: Program;
  /** Becomes the program and nothing else; whatever it held is removed. */
  readonly folder: string;
  /** Of the machine that runs it, as Node.js calls it. */
  readonly architecture?: NodeJS.Architecture;
  /** Holds koffi with its native part for that architecture: a `node_modules`. */
  readonly modules?: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Makes a folder that Node.js runs a program of ours from, with nothing else around it: `main.mjs`, a file for each part
 * that is imported on need, their source maps, the data files that they read, koffi where it is used, and the licences of
 * all that. The same sources make the same bytes. Returns the path of `main.mjs`.
 */
export async function bundleProgram({
  program,
  folder,
  architecture = process.arch,
  modules = join(root, 'node_modules'),
}: BundleOptions): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: join(root, entries[program]), out: 'main' }],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    // The ES modules of what has both: jsonc-parser's other form requires its parts by a name that no bundler follows.
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: 'linked',
    // The maps name files and lines; the sources are where the version says.
    sourcesContent: false,
    // Whole licences are kept in a file of their own.
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
    // It looks for its native part beside itself.
    external: ['koffi'],
    loader: dataLoaders,
    assetNames: '[name]',
    // What is CommonJS in the bundle still asks for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [carryDataFiles, takePlainHttp],
  });
  if (program === 'cli') await writeCommand(folder);
  const usesKoffi = Object.values(metafile.outputs).some(({ imports }) => imports.some(({ path }) => path === 'koffi'));
  const copied = usesKoffi ? await copyKoffi({ modules, folder, architecture }) : [];
  const licences = await readLicences(root, [...Object.keys(metafile.inputs), ...copied]);
  await writeFile(join(folder, 'LICENCES.txt'), renderLicences(licences));
  return join(folder, 'main.mjs');
}

/**
 * A file that is run by its name, where there is no shell. It is called in containers whose own program is told by
 * variables, which are none of this one's flags.
 */
async function writeCommand(folder: string): Promise<void> {
  const lines = [
    // Of the container's memory most is its own program's, which is not to be ended for want of it.
    '#!/usr/local/bin/node --max-old-space-size=96',
    "for (const name of Object.keys(process.env)) if (name.startsWith('KUBE_MACVTAP_')) delete process.env[name];",
    "import(require('node:url').pathToFileURL(require('node:path').join(__dirname, 'main.mjs')));",
  ];
  await writeFile(join(folder, 'kubectl-macvtap'), `${lines.join('\n')}\n`, { mode: 0o755 });
}
