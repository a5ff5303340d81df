// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { MacvtapError } from '../../runtime/errors.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The images, each with its Dockerfile. Together with the chart, these are the names of the repositories. */
export const imageKinds = ['webhook', 'node'] as const;
export type ImageKind = (typeof imageKinds)[number];

export const chartName = 'kube-macvtap';

/** Everything that gets the release's version in the registry: two image indexes and the chart. The chart is last. */
export const products = [...imageKinds, chartName] as const;
export type Product = (typeof products)[number];

export const architectures = ['amd64', 'arm64'] as const;

/** The state of the repository from which a release is made. */
export interface Tree {
  readonly version: string;
  readonly commit: string;
  /** The time of the commit, in seconds. Everything in the release has this time. */
  readonly epoch: number;
}

/** A release in preparation. */
export interface Release extends Tree {
  /** @example 'registry.example.com/kube-macvtap' */
  readonly registry: string;
  /** The local directory of the release's files. */
  readonly folder: string;
  /** The OCI image layout with the images that were built. A repeated run for the same commit uses them again. */
  readonly images: string;
  /** The OCI image layout with everything that is pushed. */
  readonly layout: string;
  readonly buildImage: string | undefined;
  readonly runImage: string | undefined;
  /** Additional flags for `buildah bud`. */
  readonly buildahFlags: readonly string[];
  readonly caFile: string | undefined;
  /** The builder's name in the provenance. */
  readonly builder: string;
  /** Runs a program. */
  readonly run: (
    options: Partial<ToolOptions> & { what: string },
    ...command: [string, ...string[]]
  ) => Promise<string>;
}

export interface OpenOptions extends Omit<Release, keyof Tree | 'folder' | 'images' | 'layout' | 'run'> {
  readonly output: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Opens the directory of a release. Keeps the images that an interrupted run for the same inputs has already built. */
export async function openRelease(tree: Tree, options: OpenOptions): Promise<Release> {
  const { output, print, signal, ...rest } = options;
  const folder = join(output, tree.version);
  const [images, layout, record] = [join(folder, 'images'), join(folder, 'layout'), join(folder, 'inputs.json')];
  const { buildImage, runImage } = options;
  const inputs = JSON.stringify({ ...tree, buildImage, runImage });
  try {
    const before = await readFile(record, 'utf8').catch(() => '');
    await rm(before === inputs ? layout : folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(record, inputs);
  } catch (thrown) {
    throw explainFailure(`write to ${folder}`, thrown instanceof Error ? thrown.message : String(thrown));
  }
  const run: Release['run'] = (given, program, ...args) => runTool({ print, signal, ...given }, program, ...args);
  return { ...tree, ...rest, folder, images, layout, run };
}

/** Reads the state of the repository. Raises `ReleaseRefused` if it has changes, or if versions in it differ. */
export async function readTree(expected: string | undefined, options: ToolOptions): Promise<Tree> {
  const git = (...args: readonly string[]) => runTool(options, 'git', '-C', root, ...args);
  const changed = (await git('status', '--porcelain')).split('\n').filter((line) => line !== '');
  if (changed.length > 0) {
    const paths = changed.slice(0, 3).map((line) => line.slice(3));
    const more = changed.length > paths.length ? ` and ${changed.length - paths.length} more` : '';
    throw refuse(`uncommitted changes in ${paths.join(', ')}${more}: commit or stash them`);
  }
  const text = (path: string) => readFileSync(join(root, path), 'utf8');
  const chart: { version?: unknown; appVersion?: unknown } = parse(text(`charts/${chartName}/Chart.yaml`));
  const versionIn = (path: string): string => JSON.parse(text(path)).version;
  const wanted = expected ?? versionIn('package.json');
  const found = {
    'package.json': versionIn('package.json'),
    'package-lock.json': versionIn('package-lock.json'),
    'version in Chart.yaml': String(chart.version),
    'appVersion in Chart.yaml': String(chart.appVersion),
  };
  for (const [place, value] of Object.entries(found)) {
    if (value !== wanted) throw refuse(`the release is ${wanted}, but ${place} is ${value}: make all versions equal`);
  }
  if (!`\n${text('CHANGELOG.md')}`.includes(`\n## ${wanted}`)) {
    throw refuse(`CHANGELOG.md has no section "## ${wanted}": rename the section "## Unreleased"`);
  }
  const [commit = '', epoch = ''] = (await git('log', '-1', '--format=%H %ct')).trim().split(' ');
  return { version: wanted, commit, epoch: Number(epoch) };
}

export function refuse(message: string): MacvtapError {
  return new MacvtapError('ReleaseRefused', message);
}

export interface ToolOptions {
  /** The purpose of the call, for progress and errors. @example 'build node linux/arm64' */
  readonly what: string;
  readonly folder?: string;
  /** Environment variables, in addition to those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Called with each line of progress. */
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** When a message is printed for the first time while a program runs, and how often after that. */
const [firstNoticeMs, noticeMs] = [1_000, 10_000];

/** How many lines of output are printed after a failure whose cause is unknown. */
const shownLines = 20;

/** Where the user gets the programs. */
const sources: Readonly<Record<string, string>> = {
  buildah: 'apt-get install buildah',
  helm: 'go install helm.sh/helm/v4/cmd/helm@latest',
  oras: 'go install oras.land/oras/cmd/oras@latest',
  cosign: 'go install github.com/sigstore/cosign/v3/cmd/cosign@latest',
  syft: 'go install github.com/anchore/syft/cmd/syft@latest',
};

/**
 * Runs a program until it ends, and returns its standard output. While it runs, prints its latest line of output from
 * time to time. An abort of the signal ends the program. Raises `ReleaseToolFailed`, or `RegistryFailed` if the
 * registry caused the failure.
 */
export async function runTool(options: ToolOptions, program: string, ...args: readonly string[]): Promise<string> {
  const { what, folder, environment = {}, input = '', print, signal } = options;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    signal,
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  const streams = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      streams[name] += text;
    });
  }
  // Ignores errors if the program ends before it has read its input: its exit code reports the failure.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const started = performance.now();
  using notices = new DisposableStack();
  const report = () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    print(`  ${what} (${seconds} s): ${lastLine(streams.stdout + streams.stderr).slice(0, 90)}`);
  };
  const timers = [setTimeout(report, firstNoticeMs), setInterval(report, noticeMs)];
  notices.defer(() => timers.forEach(clearTimeout));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const code = await promise.catch((thrown: NodeJS.ErrnoException) => {
    if (signal.aborted) throw interrupted(thrown);
    throw thrown.code === 'ENOENT' ? missing(program, thrown) : thrown;
  });
  if (code === 0) return streams.stdout;
  if (signal.aborted) throw interrupted(signal.reason);
  const output = `${streams.stdout}${streams.stderr}`.trim();
  if (!causes.some(({ pattern }) => pattern.test(output))) {
    for (const text of output.split('\n').slice(-shownLines)) print(`  ${text.trim()}`);
  }
  throw explainFailure(what, output);
}

/** Raises `ReleaseToolFailed` if a program is not in PATH. Otherwise, a build of minutes would end with this error. */
export function requirePrograms(names: readonly string[]): void {
  const folders = (process.env.PATH ?? '').split(':');
  const absent = names.find((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (absent !== undefined) throw missing(absent, undefined);
}

function interrupted(cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', 'interrupted: run the same command again to complete the release', { cause });
}

function missing(program: string, cause: unknown): MacvtapError {
  const source = sources[program];
  const advice = source === undefined ? 'install it' : `install it, for example with \`${source}\``;
  return new MacvtapError('ReleaseToolFailed', `there is no ${program} in PATH: ${advice}`, { cause });
}

/** The known causes of failures, each with its next step. The first match applies. */
const causes: readonly { readonly pattern: RegExp; readonly code?: 'RegistryFailed'; readonly text: string }[] = [
  {
    pattern: /no space left on device|ENOSPC/i,
    text: 'the disk is full: free space, or name a directory on another disk with --output',
  },
  {
    pattern: /^npm error network|^E: (?:Failed|Unable) to fetch/m,
    text: 'a package cannot be downloaded: check the network and its proxies, then run the same command again',
  },
  {
    pattern: /decryption failed/i,
    text: 'COSIGN_PASSWORD is not the password of the key: correct it, then run the same command again',
  },
  {
    pattern: /x509|certificate signed by unknown|certificate is not trusted|tls: failed to verify/i,
    code: 'RegistryFailed',
    text: "the registry's certificate is not trusted: name the file of its CA with --ca-file",
  },
  {
    pattern: /\b401\b|unauthorized|authentication required|basic credential not found|no basic auth credentials/i,
    code: 'RegistryFailed',
    text: 'the registry rejects the credentials: log in with `oras login`, then run the same command again',
  },
  {
    pattern: /\b403\b|\bdenied\b/i,
    code: 'RegistryFailed',
    text: 'the registry does not allow this account to write: log in as another user, or choose another --registry',
  },
  {
    pattern: /connection refused|no such host|i\/o timeout|network is unreachable|no route to host|connection reset/i,
    code: 'RegistryFailed',
    text: 'the registry cannot be reached: check its name and the network, then run the same command again',
  },
];

/** Returns the error for a failed program. Its message is one line: a known cause, or the last line of the output. */
export function explainFailure(what: string, output: string): MacvtapError {
  const known = causes.find(({ pattern }) => pattern.test(output));
  const text = known?.text ?? `${lastLine(output).slice(0, 400)}; fix this, then run the same command again`;
  return new MacvtapError(known?.code ?? 'ReleaseToolFailed', `cannot ${what}: ${text}`, { cause: output });
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
