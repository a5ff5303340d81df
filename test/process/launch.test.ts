// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtempDisposable, readdir, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pageBlock, runOnTerminal } from '../docs/page-commands.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));

/** Makes the running Node.js report a version that cannot run the program, like an old one on the PATH. */
const oldNode = `--import=data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })",
)}`;

/** Makes a directory with the package and its dependencies below node_modules, as npm installs them. */
async function install(given: { readonly withNode: boolean }) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-installed-'));
  const modules = join(directory.path, 'node_modules');
  const own = join(modules, 'kube-macvtap');
  await mkdir(own, { recursive: true });
  for (const part of ['package.json', 'cli', 'cluster', 'policy', 'runtime', 'charts'])
    await cp(join(project, part), join(own, part), { recursive: true });
  for (const name of await readdir(join(project, 'node_modules'))) {
    const isNode = name.startsWith('node-');
    if (!name.startsWith('.') && !isNode) await symlink(join(project, 'node_modules', name), join(modules, name));
  }
  if (given.withNode) {
    // This link replaces the package that contains Node.js. It leads to the Node.js that runs this test.
    const brought = join(modules, `node-${process.platform}-${process.arch}`);
    await mkdir(join(brought, 'bin'), { recursive: true });
    await cp(join(project, 'package.json'), join(brought, 'package.json'));
    await symlink(process.execPath, join(brought, 'bin/node'));
  }
  const { bin } = JSON.parse(await readFile(join(own, 'package.json'), 'utf8'));
  await mkdir(join(modules, '.bin'));
  await symlink(join(own, bin['kubectl-macvtap']), join(modules, '.bin/kubectl-macvtap'));
  return { path: join(modules, '.bin/kubectl-macvtap'), [Symbol.asyncDispose]: () => directory.remove() };
}

function run(
  program: string,
  flags: readonly string[],
  input = '',
  ...node: readonly string[]
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...node, program, ...flags], { input, encoding: 'utf8', cwd: dirname(program) });
}

describe('the installed command', () => {
  let installed: Awaited<ReturnType<typeof install>>;
  before(async () => {
    installed = await install({ withNode: true });
  });
  after(() => installed[Symbol.asyncDispose]());

  it('runs below node_modules, where Node.js itself does not strip types', () => {
    const { status, stdout, stderr } = run(installed.path, ['--help']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: kubectl macvtap <command>/m);
  });

  it('passes on its arguments, standard input and exit code', () => {
    const { status, stdout } = run(installed.path, ['lint', '-'], 'kind: MacvtapNetworkNodePolicy\napiVersion: v1\n');
    assert.equal(status, 1);
    assert.match(stdout, /^-:2: error: SchemaFault apiVersion/m);
    assert.equal(run(installed.path, ['lint']).status, 2);
    assert.equal(run(installed.path, ['nothing']).status, 2);
  });

  it('runs with the Node.js that was installed with it if the one on the PATH is too old', () => {
    const { status, stdout, stderr } = run(installed.path, ['lint', '--help'], '', oldNode);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: kubectl macvtap lint/m);
  });
});

describe('the command of this repository', () => {
  it('is linked into the PATH as docs/how-to/install.md describes', async () => {
    await using home = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-home-'));
    const environment = { HOME: home.path, PATH: `${join(home.path, '.local/bin')}:${process.env.PATH}` };
    const link = pageBlock('docs/how-to/install.md', 'mkdir -p ~/.local/bin');
    await runOnTerminal(link, { folder: project, environment });
    const output = await runOnTerminal('kubectl-macvtap status --help', { folder: home.path, environment });
    assert.match(output, /^Usage: kubectl macvtap status/m);
  });
});

describe('the installed command, with only an old Node.js', () => {
  it('names the version that it needs and the fix, and fails', async () => {
    await using installed = await install({ withNode: false });
    const { status, stdout, stderr } = run(installed.path, ['--help'], '', oldNode);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(
      stderr,
      /^kubectl macvtap: needs Node\.js 26 or newer, and \S+ is 20\.1\.0\. .*PATH.*optional dependencies/,
    );
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  });
});
