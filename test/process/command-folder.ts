// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Runs a program, which must succeed, with the commands in PATH. Returns its output. */
type Shell = (command: readonly [string, ...string[]], input?: string) => string;

/**
 * Creates a folder with `policy.yaml` and a pod in `files/`. The shell runs its commands in that folder, which is HOME
 * and the first folder in PATH. The folder contains links to kubectl-macvtap and its completion, as npm makes them.
 */
export async function makeCommandFolder(): Promise<{ readonly shell: Shell; readonly remove: () => Promise<void> }> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-completion-'));
  const cli = fileURLToPath(new URL('../../cli/', import.meta.url));
  await symlink(join(cli, 'launch.js'), join(folder.path, 'kubectl-macvtap'));
  await symlink(join(cli, 'complete.js'), join(folder.path, 'kubectl_complete-macvtap'));
  await writeFile(join(folder.path, 'policy.yaml'), '');
  await mkdir(join(folder.path, 'files'));
  await writeFile(join(folder.path, 'files', 'pod.yaml'), '{ apiVersion: v1, kind: Pod, metadata: { name: vm } }');
  return {
    shell([program, ...args], input) {
      const env = { PATH: `${folder.path}:${dirname(process.execPath)}:${process.env.PATH}`, HOME: folder.path };
      const { stdout, stderr, status } = spawnSync(program, args, { env, cwd: folder.path, encoding: 'utf8', input });
      assert.equal(status, 0, stderr);
      return stdout;
    },
    remove: () => folder.remove(),
  };
}
