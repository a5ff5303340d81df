// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { describeFailure } from '../../policy/nodestate/node-state-limits.ts';
import { explicitConfigMap } from '../../policy/plan/from-explicit.ts';
import { type CrdKind, pruneFields } from '../objects/crd-schema.ts';
import type { KnownObject } from '../objects/known-object.ts';
import { schemaFaults } from '../objects/schema-faults.ts';
import type { ApiObject, WatchedResource } from './api-resource.ts';
import { createSharer, shareNodeState } from './share-node-state.ts';

export type Kind = KnownObject['kind'];

/** A kind of object that is read from an API server. */
export interface WatchedKind {
  readonly kind: Kind;
  readonly resource: WatchedResource;
  /** Reduces an object to the fields that are used. Removes resourceVersion and managedFields, which change often. */
  readonly trim: (object: ApiObject) => ApiObject;
}

/** The scope of the watches: the whole cluster, or only the objects that one node needs. */
export interface WatchScope {
  readonly policyNamespace: string;
  /** If set, reads only this Node, and no NetworkAttachmentDefinitions, Namespaces and MacvtapNetworkNodeStates. */
  readonly node?: string | undefined;
  /**
   * Whether objects are read only once, and not kept. Node states are then not reduced to save memory, which takes
   * longer than the rest of reading them.
   */
  readonly isOneShot?: boolean;
}

const group = 'macvtap.network.kubevirt.io';
const groupPath = `/apis/${group}/v1alpha1`;
const networks = 'network-attachment-definitions';

export function watchedKinds({ policyNamespace, node, isOneShot = false }: WatchScope): readonly WatchedKind[] {
  const policies = policiesIn(policyNamespace);
  if (node !== undefined) return [nodes(`metadata.name=${node}`), policies, configMaps(policyNamespace)];
  const states = isOneShot ? nodeStatesOnce : nodeStates();
  return [nodes(), namespaces, policies, networkAttachmentDefinitions, states, configMaps(policyNamespace)];
}

function nodes(fieldSelector?: string): WatchedKind {
  const resource = { what: 'Nodes', path: '/api/v1/nodes', metadataOnly: true };
  return {
    kind: 'Node',
    resource: { ...resource, ...(fieldSelector !== undefined && { fieldSelector }) },
    trim: (object) => shaped('Node', 'v1', object, ['labels']),
  };
}

export const namespaces: WatchedKind = {
  kind: 'Namespace',
  resource: { what: 'Namespaces', path: '/api/v1/namespaces', metadataOnly: true },
  trim: (object) => shaped('Namespace', 'v1', object, ['labels']),
};

/** Returns the kind with the policies of one namespace, or of all namespaces. */
export function policiesIn(namespace: string | undefined): WatchedKind {
  const kind = 'MacvtapNetworkNodePolicy';
  const path = `${groupPath}${namespace === undefined ? '' : `/namespaces/${namespace}`}/macvtapnetworknodepolicies`;
  const keys = ['uid', 'labels', 'annotations', 'generation', 'creationTimestamp'];
  return {
    kind,
    resource: { what: 'MacvtapNetworkNodePolicies', path, metadataOnly: false },
    // Removes the status. Plans do not use it, and each write of a status would cause a new snapshot.
    trim: ({ metadata, spec }) => ofGroup(kind, { metadata, spec }, keys),
  };
}

export const networkAttachmentDefinitions: WatchedKind = {
  kind: 'NetworkAttachmentDefinition',
  resource: { what: 'NetworkAttachmentDefinitions', path: `/apis/k8s.cni.cncf.io/v1/${networks}`, metadataOnly: false },
  trim: (object) => ({
    ...shaped('NetworkAttachmentDefinition', 'k8s.cni.cncf.io/v1', object, ['uid', 'annotations']),
    ...(object.spec !== undefined && { spec: object.spec }),
  }),
};

/**
 * The number of node state values that are remembered for sharing. With 100 policies, the node states have about 1,000
 * shared values of 250 bytes each. Values that are rarely shared take at most 10 MB.
 */
const sharedValues = 20_000;

/**
 * A state of a node under twenty policies has 50 kB of JSON, and parsed ten times the memory of its shared form. With
 * this size, reading a page takes some megabytes.
 */
const statesPerPage = 50;

const stateKind = 'MacvtapNetworkNodeState';
const stateResource: WatchedResource = {
  what: 'MacvtapNetworkNodeStates',
  path: `${groupPath}/macvtapnetworknodestates`,
  metadataOnly: false,
};

/**
 * Node states that are not kept. A state is pruned only if it is invalid, because a valid state has no field to prune.
 * `readObject` does not validate a valid state again.
 */
const nodeStatesOnce: WatchedKind = {
  kind: stateKind,
  resource: stateResource,
  trim: (object) => {
    const { status } = object;
    const head = shaped(stateKind, `${group}/v1alpha1`, object, []);
    const whole = status === undefined ? head : { ...head, status };
    try {
      return schemaFaults(stateKind, whole).length === 0 ? whole : ofGroup(stateKind, whole, []);
    } catch (thrown) {
      return { ...head, status: describeFailure(thrown) };
    }
  },
};

function nodeStates(): WatchedKind {
  const kind = stateKind;
  const sharer = createSharer(sharedValues);
  return {
    kind,
    resource: { ...stateResource, pageSize: statesPerPage },
    // An exception here would abort the listing of all states. Instead, the status is replaced with a text. The text
    // violates the schema, so only this state is left out.
    trim: (object) => {
      const { metadata, status } = object;
      try {
        return shareNodeState(ofGroup(kind, { metadata, ...(status !== undefined && { status }) }, []), sharer);
      } catch (thrown) {
        return { ...shaped(kind, `${group}/v1alpha1`, object, []), status: describeFailure(thrown) };
      }
    },
  };
}

function configMaps(namespace: string): WatchedKind {
  return {
    kind: 'ConfigMap',
    resource: {
      what: `ConfigMap ${explicitConfigMap.name}`,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      fieldSelector: `metadata.name=${explicitConfigMap.name}`,
      metadataOnly: false,
    },
    trim: (object) => ({ ...shaped('ConfigMap', 'v1', object, []), data: object.data }),
  };
}

/** Restores apiVersion and kind. Items of a list have neither, and items of a metadata-only list have another kind. */
function shaped(kind: Kind, apiVersion: string, { metadata }: ApiObject, keys: readonly string[]): ApiObject {
  const { name, namespace } = metadata;
  const kept = keys.filter((key) => metadata[key] !== undefined).map((key) => [key, metadata[key]]);
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...Object.fromEntries(kept) },
  };
}

function ofGroup(kind: CrdKind, object: ApiObject, keys: readonly string[]): ApiObject {
  const { metadata, ...rest } = object;
  const head = shaped(kind, `${group}/v1alpha1`, object, keys);
  return pruneFields(kind, { ...head, ...rest }) as unknown as ApiObject;
}

/** @example '/apis/k8s.cni.cncf.io/v1/namespaces/vms/network-attachment-definitions/dataplane' */
export function networkPath(namespace: string, name: string): string {
  return `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/${networks}/${name}`;
}

/** @example '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies/p/status' */
export function policyStatusPath(namespace: string, name: string): string {
  return `${groupPath}/namespaces/${encodeURIComponent(namespace)}/macvtapnetworknodepolicies/${encodeURIComponent(name)}/status`;
}

/**
 * Remembers the highest `matchedNodes` of all policy statuses. This is how many nodes may write at the same time after
 * an edit of the policy that selects the most nodes.
 */
export interface MostMatched {
  /** Undefined until a status contains the number. */
  readonly nodes: number | undefined;
  /** Reads a MacvtapNetworkNodePolicy as the API server returned it. */
  note(policy: ApiObject): void;
}

/**
 * Reads only `matchedNodes` from the statuses. The snapshot does not contain statuses, because each write of a status
 * would cause a new snapshot.
 */
export function rememberMostMatched(): MostMatched {
  let nodes: number | undefined;
  return {
    get nodes() {
      return nodes;
    },
    note({ status }) {
      const matched = isJsonObject(status) ? status.matchedNodes : undefined;
      if (typeof matched === 'number' && !(matched <= (nodes ?? -1))) nodes = matched;
    },
  };
}
