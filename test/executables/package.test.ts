// SPDX-License-Identifier: Apache-2.0
// Tests the npm package as a user gets it: packed, and run by npx in an empty folder.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

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

  it('runs with npx in a folder without other packages', async () => {
    // npx installs packages below npm's cache. This one is removed after the test, and shares the downloaded archives.
    const cache = join(folder.path, 'cache');
    await mkdir(cache);
    const { stdout: shared } = await run('npm', ['config', 'get', 'cache'], { cwd: root });
    await symlink(join(shared.trim(), '_cacache'), join(cache, '_cacache'));
    const npx = (...args: readonly string[]) =>
      run('npx', ['--yes', '--prefer-offline', `./${filename}`, ...args], {
        cwd: folder.path,
        env: { ...process.env, npm_config_cache: cache },
      });
    const { stdout: help } = await npx('status', '--help');
    assert.match(help, /^Usage: kubectl macvtap status/m);
    const { stdout: checked } = await npx('lint', `${root}docs/tutorial/quick-start/policy.yaml`);
    assert.match(checked, /SelectsEveryNode/);
  });
});
