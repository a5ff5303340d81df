// SPDX-License-Identifier: Apache-2.0
import { listAll } from '../../cluster/api/list-all.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import { contextNamespace } from '../view/context-namespace.ts';
import { listManifests } from '../view/manifests-view.ts';
import { collectionPath, objectKinds } from '../view/object-kinds.ts';
import type { ObjectQuery } from '../view/view.ts';
import type { ViewFlags } from '../view/view-flags.ts';

/** For answers: longer nobody waits for a completion. */
const patienceMs = 3_000;

type Where = Partial<ViewFlags>;

/** Names of objects, in natural order: none where nobody answers in time, or may be asked. */
export async function listNames(query: ObjectQuery, where: Where): Promise<readonly string[]> {
  const { source } = where;
  const names =
    source?.kind === 'manifests'
      ? (await listManifests(source.directory, query).catch(() => [])).map(({ metadata }) => metadata.name)
      : await listOfCluster(query, where);
  return [...new Set(names)].sort(compareNatural);
}

/** The namespace of the kubeconfig's context. */
export async function namespaceOf({ source = { kind: 'cluster' }, kubeconfig, context }: Where): Promise<string> {
  return await contextNamespace({ source, kubeconfig, context }).catch(() => 'default');
}

/** The contexts of the kubeconfig. */
export async function listContexts({ kubeconfig }: Where): Promise<readonly string[]> {
  const { contextsOf } = await import('../../cluster/api/kubeconfig.ts');
  try {
    return contextsOf(kubeconfig);
  } catch {
    return [];
  }
}

/** Whatever goes wrong is no news to somebody who is writing a command line. */
async function listOfCluster({ kind, namespace }: ObjectQuery, where: Where): Promise<readonly string[]> {
  const { openApiClient } = await import('../../cluster/api/client.ts');
  // It is loaded on need, and that takes some of the time that is meant for the answer.
  await import('../../cluster/api/kubeconfig.ts');
  const signal = AbortSignal.timeout(patienceMs);
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  signal.addEventListener('abort', () => resolve([]));
  const list = async (): Promise<readonly string[]> => {
    using client = await openApiClient(where);
    const resource = { what: objectKinds[kind].what, path: collectionPath(kind, namespace), metadataOnly: true };
    const listed = await listAll(client, resource, { trim: (object) => object, signal });
    return 'absent' in listed ? [] : listed.objects.map(({ metadata }) => metadata.name);
  };
  return await Promise.race([late, list().catch(() => [])]);
}
