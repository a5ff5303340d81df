// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryPath } from '../binaries/binary-path.ts';
import type { HelmName } from '../chart/run-helm.ts';
import type { Cluster } from './cluster.ts';
import { clusterFolder } from './layout.ts';
import { run } from './run.ts';

/**
 * Runs Helm 4, or the given version, as the cluster's administrator and without the user's settings. Returns the
 * output. If a value is given more than once, the last one wins.
 */
export async function helm(
  { kubeconfig, program = 'helm' }: Pick<Cluster, 'kubeconfig'> & { readonly program?: HelmName },
  args: readonly string[],
  ...values: readonly object[]
): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-values-'));
  const files = values.map((_, at) => join(folder.path, `${at}.json`));
  for (const [at, file] of files.entries()) await writeFile(file, JSON.stringify(values[at]));
  const flags = [`--kubeconfig=${kubeconfig}`, ...files.map((file) => `--values=${file}`)];
  return await run('env', `HOME=${clusterFolder}`, binaryPath(program), ...args, ...flags);
}
