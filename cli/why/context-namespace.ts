// SPDX-License-Identifier: Apache-2.0
import type { ConnectOptions } from '../../cluster/api/connect.ts';

/** The namespace that kubectl would take where none is given: the context's, or default. */
export async function contextNamespace({ kubeconfig, context }: ConnectOptions): Promise<string> {
  const { namespaceOfContext } = await import('../../cluster/api/kubeconfig.ts');
  return namespaceOfContext(kubeconfig, context) ?? 'default';
}
