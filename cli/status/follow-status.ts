// SPDX-License-Identifier: Apache-2.0
import { describeOutage } from '../../cluster/api/api-errors.ts';
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { ListWatch } from '../../cluster/api/list-watch.ts';
import { createObjectReader } from '../../cluster/api/object-reader.ts';
import { watchedKinds } from '../../cluster/api/watched-kinds.ts';
import { ManifestsSource } from '../../cluster/manifests/manifests-source.ts';
import { toSnapshot } from '../../cluster/objects/known-object.ts';
import { collectionPath, conditionStatus, objectKinds, pluginLabels, textIn } from '../view/objects.ts';
import { listManifests } from '../view/open-view.ts';
import type { View } from '../view/view.ts';
import type { StatusFacts } from './status-facts.ts';

/** The facts that a status shows. They are kept up to date. */
export interface StatusFeed extends AsyncDisposable {
  /** The current facts. */
  read(): Promise<StatusFacts>;
  /** Reasons why the facts may be outdated, one line each. */
  readonly troubles: readonly string[];
}

/** Watches Nodes, NodeStates, policies with their status, and the node plugin's pods, until disposed. */
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
        policyNamespace,
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

/** Removes metadata that changes even if the status does not. */
function keepStatus({ metadata, spec, status }: ApiObject): ApiObject {
  const { managedFields, resourceVersion, ...kept } = metadata;
  const { apiVersion, kind } = objectKinds.macvtapnetworknodepolicies;
  return { apiVersion, kind, metadata: kept, spec, ...(status !== undefined && { status }) };
}

function keepReadiness(pod: ApiObject): ApiObject {
  const ready = conditionStatus(pod, 'Ready');
  return {
    metadata: { name: pod.metadata.name },
    spec: { nodeName: textIn(pod, 'spec', 'nodeName') },
    status: { conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready }] },
  };
}

/** Watches a directory of manifests until disposed. */
export async function followDirectory(view: View, onChange: () => void): Promise<StatusFeed> {
  const source = await ManifestsSource.open(view.where, view.policyNamespace);
  const changes = source.onChange(onChange);
  return {
    read: async () => ({
      snapshot: source.snapshot,
      policyNamespace: view.policyNamespace,
      policies: await listManifests(view.where, {
        kind: 'macvtapnetworknodepolicies',
        namespace: view.policyNamespace,
      }),
      pluginPods: undefined,
      isOfFiles: true,
      knowsNodes: true,
      knowsStates: true,
    }),
    get troubles() {
      return source.faults.map(({ where, message }) => `${where}: ${message}`);
    },
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}
