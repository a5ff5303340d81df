// SPDX-License-Identifier: Apache-2.0
import type { FlagValues } from '../runtime/flags.ts';
import type { commonFlags, sourceFlags } from './common-flags.ts';
import { ManifestsSource } from './manifests/manifests-source.ts';
import type { LiveSource } from './source.ts';

export interface OpenSourceOptions {
  /** Read only what concerns this node; a directory of manifests is read whole all the same. */
  readonly node?: string;
}

/**
 * The source that the flags name. It may not be synced yet: an API server that is away is told of in `faults` and waited
 * for. Raises ApiServerUnknown when nobody says where the API server is.
 */
export async function openSource(
  flags: FlagValues<typeof sourceFlags> & Pick<FlagValues<typeof commonFlags>, 'namespace'>,
  { node }: OpenSourceOptions = {},
): Promise<LiveSource> {
  const { source, kubeconfig, namespace: policyNamespace } = flags;
  if (source.kind === 'manifests') return await ManifestsSource.open(source.directory, policyNamespace);
  // On need: what reads a directory alone pays for no TLS.
  const { openApiSource } = await import('./api/open-api-source.ts');
  return await openApiSource({ kubeconfig, policyNamespace, node });
}
