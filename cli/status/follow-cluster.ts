// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { describeOutage } from '../../cluster/api/describe-outage.ts';
import { ListWatch } from '../../cluster/api/list-watch.ts';
import { createObjectReader } from '../../cluster/api/object-reader.ts';
import { watchedKinds } from '../../cluster/api/watched-kinds.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { toSnapshot } from '../../cluster/objects/to-snapshot.ts';
import { collectionPath, objectKinds } from '../view/object-kinds.ts';
import { pluginLabels } from '../view/plugin-labels.ts';
import type { StatusFeed } from './status-feed.ts';

/** Follows Nodes, NodeStates, policies with their status, and the node plugin's pods, until its scope ends. */
export async function followCluster(
  client: ApiClient,
  policyNamespace: string,
  onChange: () => void,
): Promise<StatusFeed> {
  await using undo = new AsyncDisposableStack();
  const first = Promise.withResolvers<void>();
  const watches: ListWatch[] = [];
  const changed = () => {
    if (watches.every(({ synced, problem }) => synced || problem !== undefined)) first.resolve();
    onChange();
  };
  const follow = (resource: ListWatch['resource'], trim: (object: ApiObject) => ApiObject) => {
    const watch = undo.use(new ListWatch({ client, resource, trim, onChange: changed }));
    watches.push(watch);
    return watch;
  };
  const kinds = new Map(watchedKinds({ policyNamespace }).map((kind) => [kind.kind, kind]));
  const watchKind = (kind: 'Node' | 'MacvtapNetworkNodeState' | 'MacvtapNetworkNodePolicy') => {
    const { resource, trim } = kinds.get(kind) as NonNullable<ReturnType<typeof kinds.get>>;
    return follow(resource, kind === 'MacvtapNetworkNodePolicy' ? keepStatus : trim);
  };
  const [nodes, states, policies] = [
    watchKind('Node'),
    watchKind('MacvtapNetworkNodeState'),
    watchKind('MacvtapNetworkNodePolicy'),
  ];
  const pods = follow(
    {
      what: objectKinds.pods.what,
      path: collectionPath('pods', policyNamespace),
      metadataOnly: false,
      labelSelector: Object.entries(pluginLabels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    },
    keepReadiness,
  );
  await first.promise;
  const opened = undo.move();
  const known = [nodes, states, policies].map((watch) => ({ watch, reader: createObjectReader(policyNamespace) }));
  return {
    async read() {
      const objects = known.flatMap(({ watch, reader }) => reader.read(watch.objects).known);
      return {
        snapshot: toSnapshot(objects),
        policies: policies.synced ? [...policies.objects.values()] : undefined,
        pluginPods: pods.synced ? [...pods.objects.values()] : undefined,
        knowsNodes: nodes.synced,
        knowsStates: states.synced,
      };
    },
    get troubles() {
      const problems = watches.map(({ resource: { what }, problem }) => ({ what, problem }));
      return describeOutage(client.server, problems, []).map(({ message }) => message);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Whole, but for what changes without need. */
function keepStatus({ metadata, spec, status }: ApiObject): ApiObject {
  const { managedFields, resourceVersion, ...kept } = metadata;
  const { apiVersion, kind } = objectKinds.macvtapnetworknodepolicies;
  return { apiVersion, kind, metadata: kept, spec, ...(status !== undefined && { status }) };
}

function keepReadiness({ metadata: { name }, spec, status }: ApiObject): ApiObject {
  const conditions = isRecord(status) && Array.isArray(status.conditions) ? status.conditions : [];
  const ready = conditions.find((condition) => isRecord(condition) && condition.type === 'Ready');
  return {
    metadata: { name },
    spec: { nodeName: isRecord(spec) ? spec.nodeName : undefined },
    status: { conditions: isRecord(ready) ? [{ type: 'Ready', status: ready.status }] : [] },
  };
}
