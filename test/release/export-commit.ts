// SPDX-License-Identifier: Apache-2.0
import { runTool } from '../machines/run-tool.ts';

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
