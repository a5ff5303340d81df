// SPDX-License-Identifier: Apache-2.0
import type { ApiObject, WatchedResource } from '../../cluster/api/api-resource.ts';
import { type ApiClient, openApiClient } from '../../cluster/api/client.ts';
import type { ConnectOptions } from '../../cluster/api/connect.ts';
import type { Progress } from '../output/print.ts';
import { collectionPath, objectKinds } from './objects.ts';
import { listPatiently, readSnapshot, toMissingPart } from './read-cluster.ts';
import type { MissingPart, ObjectQuery, View } from './view.ts';

export interface ApiViewOptions extends ConnectOptions {
  readonly policyNamespace: string;
  readonly progress: Progress;
  /** Lists that the command needs in any case. They are requested at the same time as the snapshot. */
  readonly ahead?: readonly ObjectQuery[];
}

export async function openApiView({ policyNamespace, progress, ahead = [], ...where }: ApiViewOptions): Promise<View> {
  await using undo = new AsyncDisposableStack();
  const client = undo.use(await openApiClient(where));
  const scope = undo.adopt(new AbortController(), (controller) => controller.abort());
  const { signal } = scope;
  using reading = progress.begin(`reading ${client.server}`);
  const early = new Map(ahead.map((query) => [JSON.stringify(query), tryList(client, query, signal)]));
  // If reading the snapshot fails, nothing awaits these lists. If it succeeds, `list` reports their errors.
  for (const listing of early.values()) listing.catch(() => {});
  const { snapshot, faults, missing } = await readSnapshot({
    client,
    policyNamespace,
    signal,
    onRead: (what) => reading.update(`reading ${client.server}: ${what}`),
  });
  const gaps = [...missing];
  const opened = undo.move();
  return {
    where: client.server,
    policyNamespace,
    snapshot,
    faults,
    missing: gaps,
    client,
    async list(query) {
      using _listing = progress.begin(`reading ${client.server}: ${objectKinds[query.kind].what}`);
      const listed = await (early.get(JSON.stringify(query)) ?? tryList(client, query, signal));
      if (!('what' in listed)) return listed;
      if (!gaps.some(({ what, message }) => what === listed.what && message === listed.message)) gaps.push(listed);
      return undefined;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Lists objects. If they cannot be read, returns the part of the cluster that is missing. */
async function tryList(
  client: ApiClient,
  query: ObjectQuery,
  signal: AbortSignal,
): Promise<readonly ApiObject[] | MissingPart> {
  const resource = resourceOf(query);
  try {
    const listed = await listPatiently(client, resource, { trim: (object) => whole(query, object), signal });
    if (!('absent' in listed)) return listed.objects;
    return { what: resource.what, message: 'the cluster has no such kind', isAbsent: true };
  } catch (thrown) {
    return toMissingPart(resource, thrown);
  }
}

function resourceOf({ kind, namespace, name, labels = {}, fields = {} }: ObjectQuery): WatchedResource {
  const fieldSelector = selectorOf({ ...(name !== undefined && { 'metadata.name': name }), ...fields });
  const labelSelector = selectorOf(labels);
  return {
    what: objectKinds[kind].what,
    path: collectionPath(kind, namespace),
    metadataOnly: false,
    ...(fieldSelector !== '' && { fieldSelector }),
    ...(labelSelector !== '' && { labelSelector }),
  };
}

function selectorOf(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** Adds apiVersion and kind, which objects in a list do not have, and removes managedFields and what is not used. */
function whole({ kind: resource, keep }: ObjectQuery, { metadata, ...rest }: ApiObject): ApiObject {
  const { apiVersion, kind } = objectKinds[resource];
  const { managedFields, ...kept } = metadata;
  const object = { apiVersion, kind, metadata: kept, ...rest };
  return keep === undefined ? object : keep(object);
}
