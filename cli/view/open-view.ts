// SPDX-License-Identifier: Apache-2.0
import { listFiles } from '../../cluster/manifests/list-files.ts';
import { longYAMLBytes, type Progress } from '../output/progress.ts';
import { openManifestsView } from './manifests-view.ts';
import type { View } from './view.ts';
import type { ViewFlags } from './view-flags.ts';

/**
 * Reads the cluster, or the directory, that the flags name. Raises ApiServerUnknown (no kubeconfig), ApiServerUnreachable
 * and DeadlineExceeded (nobody answers), ApiServerRefused (who asks is not known, or may read nothing), NotInstalled, and
 * ManifestsUnreadable.
 *
 * @example await using view = await openView(values, progress);
 */
export async function openView(flags: ViewFlags, progress: Progress): Promise<View> {
  const { source, kubeconfig, context, 'installation-namespace': policyNamespace } = flags;
  if (source.kind === 'manifests') {
    const { directory } = source;
    using _reading = progress.begin(`reading ${directory}`, (await bytesIn(directory)) > longYAMLBytes);
    return await openManifestsView(directory, policyNamespace);
  }
  // On need: what reads a directory alone pays for no TLS.
  const { openApiView } = await import('./api-view.ts');
  return await openApiView({ kubeconfig, context, policyNamespace, progress });
}

/** 0 where nothing can be listed: reading it tells why. */
async function bytesIn(directory: string): Promise<number> {
  const files = await listFiles(directory).catch(() => []);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
