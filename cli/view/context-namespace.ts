// SPDX-License-Identifier: Apache-2.0
import type { ViewFlags } from './view-flags.ts';

/** The namespace that kubectl would take where none is given: the context's, or default. Files have no context. */
export async function contextNamespace({
  source,
  kubeconfig,
  context,
}: Pick<ViewFlags, 'source' | 'kubeconfig' | 'context'>): Promise<string> {
  if (source.kind === 'manifests') return 'default';
  const { namespaceOfContext } = await import('../../cluster/api/kubeconfig.ts');
  return namespaceOfContext(kubeconfig, context) ?? 'default';
}
