// SPDX-License-Identifier: Apache-2.0
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { choiceFlag, listFlag, textFlag } from '../runtime/flags.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { carryDataFiles, dataLoaders, takePlainHttp } from './esbuild-plugins.ts';

/** The programs. Each name is that of a folder. */
export const programs = ['webhook', 'nodeplugin', 'cli'] as const;
export type Program = (typeof programs)[number];

const entries: Readonly<Record<Program, string>> = {
  webhook: 'webhook/main.ts',
  nodeplugin: 'nodeplugin/main.ts',
  cli: 'cli/kubectl-macvtap.ts',
};

export interface BundleOptions {
  readonly program: Program;
  /** The folder to write. Its existing content is removed. */
  readonly folder: string;
  /** The architecture of the machine that runs the program, in the spelling of Node.js. */
  readonly architecture?: NodeJS.Architecture;
  /** The `node_modules` folder that contains koffi and its native code for the architecture. */
  readonly modules?: string;
  /**
   * Whether `main.mjs` contains all modules, as an executable needs it. The folder then has no source maps. Names of
   * functions are not shortened, so that the stack of a bug can be read without a map.
   */
  readonly isSingle?: boolean;
  /** Folders `node_modules/NAME` of packages that are delivered with the program, so their licences are needed. */
  readonly companions?: readonly string[];
}

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles a program into a folder. Node.js can run it from there without the sources and `node_modules`. The folder
 * contains `main.mjs`, a file for each dynamic import, source maps, data files, and the licences of the bundled
 * packages. If the program uses koffi, the folder also contains koffi. Identical sources produce identical bytes.
 * Returns the path of `main.mjs`.
 */
export async function bundleProgram({
  program,
  folder,
  architecture = process.arch,
  modules = join(root, 'node_modules'),
  isSingle = false,
  companions = [],
}: BundleOptions): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: join(root, entries[program]), out: 'main' }],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: !isSingle,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    // Prefer ES modules: the CommonJS build of jsonc-parser loads its parts in a way that no bundler can follow.
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: !isSingle,
    sourcemap: isSingle ? false : 'linked',
    // The maps contain only file names and lines. The sources are in the repository, at the program's version.
    sourcesContent: false,
    // LICENCES.txt contains the full licences.
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
    // koffi cannot be bundled, because it loads its native code from its own folder. gRPC loads .proto files only for
    // two services that the programs do not have (channelz and ORCA).
    external: ['koffi', '@grpc/proto-loader'],
    loader: dataLoaders,
    assetNames: '[name]',
    // Defines `require`, because CommonJS modules in the bundle still use it for the built-in modules of Node.js.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [carryDataFiles, takePlainHttp],
  });
  if (program === 'cli' && !isSingle) await writeCommand(folder);
  const usesKoffi = Object.values(metafile.outputs).some(({ imports }) => imports.some(({ path }) => path === 'koffi'));
  const copied = usesKoffi ? await copyKoffi({ modules, folder, architecture }) : [];
  const shipped = [...Object.keys(metafile.inputs), ...copied, ...companions.map((path) => `${path}/package.json`)];
  const licences = await readLicences(root, shipped);
  await writeFile(join(folder, 'LICENCES.txt'), renderLicences(licences));
  return join(folder, 'main.mjs');
}

/**
 * Writes `kubectl-macvtap`, an executable for images without a shell. It removes the KUBE_MACVTAP_* variables, which
 * configure the container's main program: the command would reject them as unknown flags.
 */
async function writeCommand(folder: string): Promise<void> {
  const lines = [
    // The command's heap is small, because the main program needs most of the container's memory.
    '#!/usr/local/bin/node --max-old-space-size=96',
    "for (const name of Object.keys(process.env)) if (name.startsWith('KUBE_MACVTAP_')) delete process.env[name];",
    "import(require('node:url').pathToFileURL(require('node:path').join(__dirname, 'main.mjs')));",
  ];
  await writeFile(join(folder, 'kubectl-macvtap'), `${lines.join('\n')}\n`, { mode: 0o755 });
}

interface CopyOptions {
  /** The `node_modules` folder that contains koffi. */
  readonly modules: string;
  /** The target folder. A `node_modules` folder with the required files of koffi is created in it. */
  readonly folder: string;
  readonly architecture: NodeJS.Architecture;
}

/** The files that `import 'koffi'` loads. The rest of the package is needed only for compiling it. */
const koffiFiles = ['package.json', 'index.js', 'src/koffi/index.js', 'src/koffi/src/static.js'];

/**
 * Copies koffi and its native code for one architecture of Linux with glibc, without the native code for musl. Returns
 * the paths of the copied files.
 */
export async function copyKoffi({ modules, folder, architecture }: CopyOptions): Promise<readonly string[]> {
  const native = `@koromix/koffi-linux-${architecture}`;
  const nativeFiles = ['package.json', 'index.js', `linux_${architecture}/koffi.node`];
  const files = [...koffiFiles.map((file) => `koffi/${file}`), ...nativeFiles.map((file) => `${native}/${file}`)];
  for (const file of files) {
    const target = join(folder, 'node_modules', file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(modules, file), target).catch((cause: unknown) => {
      const advice = `npm ci --omit=dev --os=linux --cpu=${architecture}`;
      throw new Error(`${modules} lacks ${file}: install it there with ${advice}`, { cause });
    });
  }
  return files.map((file) => join(modules, file));
}

const line = {
  command: 'npm run bundle --',
  summary: 'Bundles each program into a folder from which Node.js can run it without the sources.',
  positionals: [],
  flags: {
    programs: listFlag('NAMES', 'the programs to bundle', programs.join(',')),
    output: textFlag(
      'DIR',
      'the directory for the folders of the programs, whose current content is removed',
      join(root, 'dist'),
    ),
    arch: choiceFlag(
      ['x64', 'arm64'],
      "the architecture of the machine that will run them; by default, this machine's",
    ),
    modules: textFlag('DIR', 'the node_modules folder with koffi for that architecture', join(root, 'node_modules')),
  },
};

/** The licence of an npm package. */
export interface PackageLicence {
  readonly name: string;
  readonly version: string;
  /** The name of the licence in package.json. @example 'MIT' */
  readonly licence: string;
  /** The contents of the package's licence and notice files. The list is empty if it has none. */
  readonly texts: readonly string[];
}

/** Reads the licences of the packages whose files are in a bundle, sorted by name. Ignores the project's own files. */
export async function readLicences(root: string, files: readonly string[]): Promise<readonly PackageLicence[]> {
  const folders = new Set(files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const licences = await Promise.all([...folders].map((folder) => readLicence(resolve(root, folder))));
  const byName = new Map(licences.map((licence) => [`${licence.name} ${licence.version}`, licence]));
  return [...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, licence]) => licence);
}

/** Renders the name, licence and terms of each package as one text. */
export function renderLicences(licences: readonly PackageLicence[]): string {
  const parts = licences.map(({ name, version, licence, texts }) =>
    [`${name} ${version}: ${licence}`, ...texts.map((text) => text.trim())].join('\n\n'),
  );
  return `${['This program contains the packages below, each under its own licence.', ...parts].join(rule)}\n`;
}

const rule = `\n\n${'-'.repeat(80)}\n\n`;

async function readLicence(folder: string): Promise<PackageLicence> {
  const {
    name,
    version,
    license: licence,
  }: Record<string, unknown> = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  if (typeof name !== 'string' || typeof version !== 'string' || typeof licence !== 'string') {
    throw new Error(`${folder}/package.json does not have name, version and license; add them`);
  }
  const files = (await readdir(folder)).filter((file) => /^(?:licen[cs]e|notice|copying)\b/i.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')));
  return { name, version, licence, texts };
}

// This must come last, because everything above must be initialized before it runs.
if (import.meta.main) {
  await runCommand(line, async ({ programs: wanted, output, arch: architecture = process.arch, modules }) => {
    const chosen = programs.filter((program) => wanted.includes(program));
    if (chosen.length !== new Set(wanted).size) {
      console.error(`--programs ${wanted.join()}: there are ${programs.join(', ')}`);
      return exitCode.usage;
    }
    for (const program of chosen) {
      console.log(await bundleProgram({ program, folder: join(output, program), architecture, modules }));
    }
    return exitCode.done;
  });
}
