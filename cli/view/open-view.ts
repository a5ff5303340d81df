// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { type ApiObject, isApiObject } from '../../cluster/api/api-resource.ts';
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf, listFiles } from '../../cluster/manifests/read-manifests.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { longYAMLBytes, type Progress } from '../output/print.ts';
import type { ViewFlags } from '../shared-flags.ts';
import { mapIn, objectKinds, valueIn } from './objects.ts';
import type { ObjectQuery, View } from './view.ts';

/**
 * Reads the cluster or the directory that the flags name. `ahead` are lists that the command needs in any case. An API
 * server gets these requests at the same time. Raises these errors:
 *
 * - ApiServerUnknown if there is no kubeconfig.
 * - ApiServerUnreachable or DeadlineExceeded if the API server does not answer.
 * - ApiServerRefused if the credentials are invalid, or the user may not read anything.
 * - NotInstalled if the cluster has no CRDs of kube-macvtap.
 * - ManifestsUnreadable if the directory cannot be read.
 *
 * @example await using view = await openView(values, progress);
 */
export async function openView(
  flags: ViewFlags,
  progress: Progress,
  ahead: readonly ObjectQuery[] = [],
): Promise<View> {
  const { source, kubeconfig, context, 'installation-namespace': policyNamespace } = flags;
  if (source.kind === 'manifests') {
    const { directory } = source;
    using _reading = progress.begin(`reading ${directory}`, (await bytesIn(directory)) > longYAMLBytes);
    return await openManifestsView(directory, policyNamespace);
  }
  // Imported on demand, because reading a directory needs no TLS client.
  const { openApiView } = await import('./api-view.ts');
  return await openApiView({ kubeconfig, context, policyNamespace, progress, ahead });
}

/**
 * Returns the total size of the files in a directory. Returns 0 if the directory is unreadable, because reading it
 * later reports the error.
 */
async function bytesIn(directory: string): Promise<number> {
  const files = await listFiles(directory).catch(() => []);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Reads a directory of manifests once, like a cluster. Raises ManifestsUnreadable. */
export async function openManifestsView(directory: string, policyNamespace: string): Promise<View> {
  const { ManifestsSource } = await import('../../cluster/manifests/manifests-source.ts');
  await using source = await ManifestsSource.open(directory, policyNamespace);
  const { snapshot, faults, synced } = source;
  if (!synced) throw new MacvtapError('ManifestsUnreadable', faults.map(({ message }) => message).join('\n'));
  let objects: Promise<readonly ApiObject[]> | undefined;
  return {
    where: directory,
    policyNamespace,
    snapshot,
    faults,
    missing: [],
    client: undefined,
    async list(query) {
      objects ??= readAll(directory);
      return (await objects).filter((object) => fits(object, query));
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Lists objects from the current files of a directory. */
export async function listManifests(directory: string, query: ObjectQuery): Promise<readonly ApiObject[]> {
  return (await readAll(directory)).filter((object) => fits(object, query));
}

/** Reads all objects in a directory. Skips unreadable files, because the view already reports them. */
async function readAll(directory: string): Promise<readonly ApiObject[]> {
  const files = await listFiles(directory);
  const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
  return texts
    .flatMap(parseDocuments)
    .flatMap(({ content }) => ('value' in content ? itemsOf(content.value).map(({ value }) => value) : []))
    .filter(isApiObject);
}

function fits(object: ApiObject, { kind: resource, namespace, name, labels = {}, fields = {} }: ObjectQuery): boolean {
  const { apiVersion, kind, isNamespaced } = objectKinds[resource];
  if (object.apiVersion !== apiVersion || object.kind !== kind) return false;
  const { metadata } = object;
  const own = mapIn(metadata, 'labels');
  return (
    (!isNamespaced || namespace === undefined || (metadata.namespace ?? 'default') === namespace) &&
    (name === undefined || metadata.name === name) &&
    Object.entries(labels).every(([key, value]) => own[key] === value) &&
    Object.entries(fields).every(([path, value]) => valueIn(object, ...path.split('.')) === value)
  );
}
