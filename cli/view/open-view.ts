// SPDX-License-Identifier: Apache-2.0
import type { Progress } from '../output/progress.ts';
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
  if (source.kind === 'manifests') return await openManifestsView(source.directory, policyNamespace);
  // On need: what reads a directory alone pays for no TLS.
  const { openApiView } = await import('./api-view.ts');
  return await openApiView({ kubeconfig, context, policyNamespace, progress });
}
