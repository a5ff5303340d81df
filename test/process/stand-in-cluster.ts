// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type StandInApiServer, startApiServer } from '../apiserver-standin/start-api-server.ts';
import { kubeconfigFor } from './reach-from-namespace.ts';

/** A stand-in API server that contains objects, and a kubeconfig to reach it. */
export interface StandInCluster extends AsyncDisposable {
  readonly server: StandInApiServer;
  readonly folder: string;
  readonly kubeconfig: string;
}

/**
 * Starts the stand-in with the objects in `manifests`, which is YAML. `namespace` is the namespace of the kubeconfig's
 * context.
 */
export async function startStandInCluster(manifests: string, namespace?: string): Promise<StandInCluster> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-standin-')));
  const server = undo.use(await startApiServer());
  for (const document of parseAllDocuments(manifests)) server.store.put(document.toJS());
  const kubeconfig = join(folder.path, 'kubeconfig');
  const config = JSON.parse(kubeconfigFor(server.url, { 'insecure-skip-tls-verify': true }));
  if (namespace !== undefined) config.contexts[0].context.namespace = namespace;
  await writeFile(kubeconfig, JSON.stringify(config));
  const scope = undo.move();
  return { server, folder: folder.path, kubeconfig, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
