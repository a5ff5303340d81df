// SPDX-License-Identifier: Apache-2.0
import { appendFile, cp, mkdir, mkdtempDisposable, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { binaryPath } from '../binaries/binary-path.ts';
import { commitFolder, ensureBases } from '../images/base-images.ts';
import { cacheFolder } from '../images/ensure-images.ts';
import { imageKinds, root } from '../images/image-inputs.ts';
import { readNpmAccess } from '../images/npm-access.ts';
import { openBuildah } from '../images/run-buildah.ts';
import { runTool } from '../machines/run-tool.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

/** The files and the version of a release. */
export interface ReleaseSource {
  /**
   * An older commit, which is released by the present code for releases. By default, all files of the working tree as
   * they are, also uncommitted ones.
   */
  readonly commit?: string;
  /** The version of the release. By default, that of the files. */
  readonly version?: string;
}

/** A clone with the files of a source, from which releases are made, and the programs that they need. */
export interface ReleaseTree extends AsyncDisposable {
  readonly path: string;
  /** The version of the release. */
  readonly version: string;
  /** The folder for the files of releases. */
  readonly output: string;
  /** The environment of the release and its programs: only the clone's tools, and no credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Starts `npm run release` with these flags, and with those that name the base images. */
  start(flags: readonly string[], environment?: Readonly<Record<string, string>>): RunningProcess;
  /** Runs git in the clone. */
  git(...args: readonly string[]): Promise<string>;
}

const programs = ['oras', 'cosign', 'syft', 'helm', 'helm3', 'registry'] as const;

/** An image for both architectures. No command runs in the part for arm64, so it needs no Node.js. */
const runImage = 'localhost/kube-macvtap-base-release:test';

/** Where the images of older commits are kept between runs. `npm run release` uses images of the same commit again. */
const keptReleases = join(cacheFolder, 'releases');

/** Makes a clone with the files of a source and a single commit, which is the same for the same files. */
export async function makeReleaseTree(
  print: (line: string) => void,
  { commit, version: wanted }: ReleaseSource = {},
): Promise<ReleaseTree> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-release-')));
  const npm = undo.use(await readNpmAccess());
  const [path, bin] = [join(folder.path, 'tree'), join(folder.path, 'bin')];
  for (const made of [path, bin]) await mkdir(made);
  for (const name of programs) await symlink(binaryPath(name), join(bin, name));
  if (commit === undefined) await copyWorkingTree(path);
  else await exportOlder(commit, path);
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  const version = await setVersion(path, wanted);

  const git = (...args: readonly string[]) => runTool('env', ...identity, 'git', '-C', path, ...args);
  await git('init', '--quiet', '--initial-branch=main');
  await appendFile(join(path, '.git/info/exclude'), '/node_modules\n');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=release');

  const storage = join(folder.path, 'storage.conf');
  const [graph, run] = [join(cacheFolder, 'storage'), join(cacheFolder, 'run')];
  await writeFile(storage, `[storage]\ndriver = "vfs"\ngraphroot = "${graph}"\nrunroot = "${run}"\n`);
  const bases = await makeBases(folder.path, print);
  const environment = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder.path,
    CONTAINERS_STORAGE_CONF: storage,
    npm_config_cafile: (await runTool('npm', 'config', 'get', 'cafile')).trim(),
  };
  const images = ['--build-image', bases.build, '--run-image', runImage];
  const buildah = ['--pull-never', ...pairs(npm.flags)].map((flag) => `--buildah-flag=${flag}`);
  const output = commit === undefined ? join(folder.path, 'output') : keptReleases;
  const scope = undo.move();
  return {
    path,
    version,
    output,
    environment,
    git,
    start: (flags, more = {}) =>
      startProcess({
        name: 'npm run release',
        command: [
          process.execPath,
          join(path, 'build/release/main.ts'),
          ...images,
          ...buildah,
          '--output',
          output,
          ...flags,
        ],
        environment: { ...environment, ...more },
      }),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

async function copyWorkingTree(path: string): Promise<void> {
  const list = `git -C '${root}' ls-files -co --exclude-standard -z`;
  const copy = `tar -C '${root}' --null --ignore-failed-read -T - -cf - 2>/dev/null | tar -C '${path}' -xf -`;
  await runTool('sh', '-c', `${list} | ${copy}`);
}

/**
 * Writes the files of an older commit, and adds what a release needs now: the present code for releases, and the
 * annotation with the images, which the code fills in. Neither is in the images or changes what the chart installs.
 */
async function exportOlder(commit: string, path: string): Promise<void> {
  await exportCommit(root, commit, path);
  const code = 'build/release';
  await rm(join(path, code), { recursive: true, force: true });
  await cp(join(root, code), join(path, code), { recursive: true });
  // The code needs the present runtime, and the programs in the images need the older one.
  await cp(join(root, 'runtime'), join(path, code, 'runtime'), { recursive: true });
  for (const name of await readdir(join(root, code))) {
    const file = join(path, code, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll("'../../runtime/", "'./runtime/"));
  }
  await editChart(path, (chart) => {
    const annotation = ['annotations', 'artifacthub.io/images'];
    if (!chart.hasIn(annotation)) chart.setIn(annotation, stringify(imageKinds.map((name) => ({ name, image: '' }))));
  });
}

/**
 * Writes the files of a commit to a folder. Raises an error of one line if the clone does not have the commit, because
 * only a part of the history was fetched.
 */
export async function exportCommit(clone: string, commit: string, folder: string): Promise<void> {
  try {
    await runTool('git', '-C', clone, 'cat-file', '-e', `${commit}^{commit}`);
  } catch {
    throw new Error(`${clone} does not have the commit ${commit}: fetch its history with git fetch --unshallow`);
  }
  const [archive, extract] = [`git -C '${clone}' archive ${commit}`, `tar -C '${folder}' -xf -`];
  await runTool('sh', '-c', `${archive} | ${extract}`);
}

/** Sets the version, if one is wanted, in all files that have it. Returns the version of the files. */
async function setVersion(path: string, wanted: string | undefined): Promise<string> {
  const read = async (name: string) => JSON.parse(await readFile(join(path, name), 'utf8'));
  const write = (name: string, value: object) =>
    writeFile(join(path, name), `${JSON.stringify(value, undefined, 2)}\n`);
  const { version: found, ...rest }: { version: string; name: string } = await read('package.json');
  const version = wanted ?? found;
  if (version !== found) {
    await write('package.json', { ...rest, version });
    const lock = await read('package-lock.json');
    lock.version = version;
    lock.packages[''].version = version;
    await write('package-lock.json', lock);
    await editChart(path, (chart) => {
      for (const key of ['version', 'appVersion']) chart.set(key, version);
    });
  }
  const changelog = join(path, 'CHANGELOG.md');
  const changes = await readFile(changelog, 'utf8');
  await writeFile(changelog, changes.replace('## Unreleased', `## ${version}`));
  return version;
}

async function editChart(path: string, edit: (chart: ReturnType<typeof parseDocument>) => void): Promise<void> {
  const file = join(path, 'charts/kube-macvtap/Chart.yaml');
  const chart = parseDocument(await readFile(file, 'utf8'));
  edit(chart);
  await writeFile(file, chart.toString({ lineWidth: 0 }));
}

/** The author and the time of the clone's commits. */
const identity = [
  ...['GIT_AUTHOR_NAME=release', 'GIT_AUTHOR_EMAIL=release@example.com', 'GIT_AUTHOR_DATE=2026-01-01T00:00:00Z'],
  ...['GIT_COMMITTER_NAME=release', 'GIT_COMMITTER_EMAIL=release@example.com'],
  'GIT_COMMITTER_DATE=2026-01-01T00:00:00Z',
];

async function makeBases(folder: string, print: (line: string) => void): Promise<{ readonly build: string }> {
  const buildah = openBuildah(cacheFolder);
  const bases = await ensureBases(buildah, print);
  const empty = { path: join(folder, 'base'), name: 'localhost/kube-macvtap-base-empty:arm64' };
  await mkdir(join(empty.path, 'tmp'), { recursive: true });
  await commitFolder(buildah, empty.path, empty.name, '--platform', 'linux/arm64');
  await buildah.run('manifest', 'rm', runImage).catch(() => {});
  await buildah.run('manifest', 'create', runImage, bases.run, empty.name);
  await rm(empty.path, { recursive: true });
  return bases;
}

/** Joins flags and their values: `--flag`, `value` to `--flag=value`. */
function pairs(flags: readonly string[]): readonly string[] {
  return flags.flatMap((flag, at) => (at % 2 === 0 ? [`${flag}=${flags[at + 1]}`] : []));
}
