// SPDX-License-Identifier: Apache-2.0
import type { ApiObject, WatchedResource } from '../../cluster/api/api-resource.ts';
import { type ApiClient, openApiClient } from '../../cluster/api/client.ts';
import type { ConnectOptions } from '../../cluster/api/connect.ts';
import type { Progress } from '../output/print.ts';
import { collectionPath, objectKinds } from './object-kinds.ts';
import { listPatiently, readSnapshot, toMissingPart } from './read-cluster.ts';
import type { MissingPart, ObjectQuery, View } from './view.ts';

export interface ApiViewOptions extends ConnectOptions {
  readonly policyNamespace: string;
  readonly progress: Progress;
}

export async function openApiView({ policyNamespace, progress, ...where }: ApiViewOptions): Promise<View> {
  await using undo = new AsyncDisposableStack();
  const client = undo.use(await openApiClient(where));
  const scope = undo.adopt(new AbortController(), (controller) => controller.abort());
  const { signal } = scope;
  using reading = progress.begin(`reading ${client.server}`);
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
      return await list(client, query, gaps, signal);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function list(
  client: ApiClient,
  query: ObjectQuery,
  gaps: MissingPart[],
  signal: AbortSignal,
): Promise<readonly ApiObject[] | undefined> {
  const resource = resourceOf(query);
  const missing = (part: MissingPart) => {
    if (!gaps.some(({ what, message }) => what === part.what && message === part.message)) gaps.push(part);
    return undefined;
  };
  try {
    const listed = await listPatiently(client, resource, { trim: (object) => whole(query, object), signal });
    return 'absent' in listed
      ? missing({ what: resource.what, message: 'the cluster has no such kind' })
      : listed.objects;
  } catch (thrown) {
    return missing(toMissingPart(resource, thrown));
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

/** Adds apiVersion and kind, which objects in a list do not have, and removes managedFields. */
function whole({ kind: resource }: ObjectQuery, { metadata, ...rest }: ApiObject): ApiObject {
  const { apiVersion, kind } = objectKinds[resource];
  const { managedFields, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept, ...rest };
}
