// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { type ApiObject, isApiObject } from '../../cluster/api/api-object.ts';
import { listFiles } from '../../cluster/manifests/list-files.ts';
import { ManifestsSource } from '../../cluster/manifests/manifests-source.ts';
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-file.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { objectKinds } from './object-kinds.ts';
import type { ObjectQuery, View } from './view.ts';

/** A directory of manifests as a cluster, read once. Raises ManifestsUnreadable. */
export async function openManifestsView(directory: string, policyNamespace: string): Promise<View> {
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

/** Objects of a directory as it is now. */
export async function listManifests(directory: string, query: ObjectQuery): Promise<readonly ApiObject[]> {
  return (await readAll(directory)).filter((object) => fits(object, query));
}

/** What does not read is among the faults already. */
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
  const own = isRecord(metadata.labels) ? metadata.labels : {};
  return (
    (!isNamespaced || namespace === undefined || (metadata.namespace ?? 'default') === namespace) &&
    (name === undefined || metadata.name === name) &&
    Object.entries(labels).every(([key, value]) => own[key] === value) &&
    Object.entries(fields).every(([path, value]) => valueAt(object, path) === value)
  );
}

function valueAt(object: ApiObject, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
}
