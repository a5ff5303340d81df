// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runTool } from '../machines/run-tool.ts';
import { exportCommit } from './release-tree.ts';

/** Creates a repository with two commits. Returns its path and the first commit. */
async function makeRepository(folder: string): Promise<{ readonly path: string; readonly first: string }> {
  const path = join(folder, 'whole');
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
  const git = (...args: readonly string[]) => runTool('git', '-C', path, ...author, ...args);
  await mkdir(path);
  await git('init', '--quiet');
  for (const text of ['older', 'newer']) {
    await writeFile(join(path, 'file'), text);
    await git('add', '--all');
    await git('commit', '--quiet', `--message=${text}`);
  }
  return { path, first: (await git('rev-parse', 'HEAD~1')).trim() };
}

describe('exportCommit', () => {
  it('writes the files as they were in the commit, without the history', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-export-'));
    const { path, first } = await makeRepository(folder.path);
    const target = join(folder.path, 'target');
    await mkdir(target);
    await exportCommit(path, first, target);
    assert.deepEqual(await readdir(target), ['file']);
    assert.equal(await readFile(join(target, 'file'), 'utf8'), 'older');
  });

  it('reports in one line that the clone has too little history', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-export-'));
    const { path, first } = await makeRepository(folder.path);
    const shallow = join(folder.path, 'shallow');
    await runTool('git', 'clone', '--quiet', '--depth=1', `file://${path}`, shallow);
    await assert.rejects(exportCommit(shallow, first, folder.path), {
      message: `${shallow} does not have the commit ${first}: fetch its history with git fetch --unshallow`,
    });
  });
});
