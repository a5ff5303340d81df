// SPDX-License-Identifier: Apache-2.0
// Tests the npm package as a user gets it: packed, and run by npx in an empty folder.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtempDisposable, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pageBlock, runOnTerminal } from '../docs/page-commands.ts';
import { plainEnvironment } from '../process/plain-environment.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-package-'));
after(() => folder.remove());

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder.path], { cwd: root });
const [{ filename, files }] = JSON.parse(stdout) as [Packed];

/** The folders with the code of the command. */
const sources = ['cli', 'cluster', 'policy', 'runtime'];

describe('the package that npm pack makes', () => {
  it('contains the code of the command, its schemas and its licence, and nothing else', () => {
    const allowed =
      /^(?:(?:cli|cluster|policy|runtime)\/.+\.(?:ts|js)|charts\/kube-macvtap\/templates\/crds\/\w+\.yaml|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
    const paths = files.map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => !allowed.test(path) || path.endsWith('.test.ts')),
      [],
    );
    for (const path of [
      'LICENSE',
      'cli/launch.js',
      'charts/kube-macvtap/templates/crds/macvtapnetworknodepolicies.yaml',
    ])
      assert.ok(paths.includes(path), path);
  });

  it('runs with npx, as docs/how-to/install.md describes', async () => {
    // npx installs packages below npm's cache. This one is removed after the test, and shares the downloaded archives.
    const cache = join(folder.path, 'cache');
    await mkdir(cache);
    const { stdout: shared } = await run('npm', ['config', 'get', 'cache'], { cwd: root });
    await symlink(join(shared.trim(), '_cacache'), join(cache, '_cacache'));
    const environment = {
      ...plainEnvironment(),
      npm_config_cache: cache,
      npm_config_yes: 'true',
      npm_config_prefer_offline: 'true',
      npm_config_progress: 'false',
    };
    // The commands of the page write the package to the clone, so they run in a copy.
    const clone = join(folder.path, 'clone');
    for (const path of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'charts', ...sources])
      await cp(join(root, path), join(clone, path), { recursive: true });
    const commands = pageBlock('docs/how-to/install.md', 'npm pack');
    const help = await runOnTerminal(commands, { folder: clone, environment });
    assert.match(help, /Usage: kubectl macvtap status/);
    const policy = `${root}docs/tutorial/quick-start/policy.yaml`;
    const { stdout: checked } = await run('npx', [`./${filename}`, 'lint', policy], {
      cwd: folder.path,
      env: environment,
    });
    assert.match(checked, /SelectsEveryNode/);
  });
});
