// SPDX-License-Identifier: Apache-2.0
import { explicitConfigMap } from '../../policy/plan/read-explicit.ts';
import type { CrdKind } from '../objects/crd-schema.ts';
import type { KnownObject } from '../objects/known-object.ts';
import { pruneFields } from '../objects/prune-fields.ts';
import { createSharer } from '../objects/share-equal.ts';
import type { ApiObject } from './api-object.ts';
import { shareNodeState } from './share-node-state.ts';
import type { WatchedResource } from './watched-resource.ts';

export type Kind = KnownObject['kind'];

/** A kind as it is read from an API server. */
export interface WatchedKind {
  readonly kind: Kind;
  readonly resource: WatchedResource;
  /** The object with what counts of it, and nothing that changes without need (resourceVersion, managedFields). */
  readonly trim: (object: ApiObject) => ApiObject;
}

/** What is read: a whole cluster, or what concerns one node. */
export interface WatchScope {
  readonly policyNamespace: string;
  /** Only this Node, and neither NetworkAttachmentDefinitions nor Namespaces nor NodeStates. */
  readonly node?: string | undefined;
}

const ours = '/apis/macvtap.network.kubevirt.io/v1alpha1';
const networks = 'network-attachment-definitions';

export function watchedKinds({ policyNamespace, node }: WatchScope): readonly WatchedKind[] {
  const policies = policiesIn(policyNamespace);
  if (node !== undefined) return [nodes(`metadata.name=${node}`), policies, configMaps(policyNamespace)];
  return [nodes(), namespaces, policies, networkAttachmentDefinitions, nodeStates(), configMaps(policyNamespace)];
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

/** In one namespace, or in all. */
export function policiesIn(namespace: string | undefined): WatchedKind {
  const kind = 'MacvtapNetworkNodePolicy';
  const path = `${ours}${namespace === undefined ? '' : `/namespaces/${namespace}`}/macvtapnetworknodepolicies`;
  const keys = ['uid', 'labels', 'annotations', 'generation', 'creationTimestamp'];
  return {
    kind,
    resource: { what: 'MacvtapNetworkNodePolicies', path, metadataOnly: false },
    // Not the status: it is written for people, and each writing of it would be news.
    trim: ({ metadata, spec }) => ofOurs(kind, { metadata, spec }, keys),
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
 * Far more than what states under 100 policies say alike, some 1,000 values, each of some 250 bytes: what hardly any two
 * nodes say takes no more than 10 MB.
 */
const sharedValues = 20_000;

function nodeStates(): WatchedKind {
  const kind = 'MacvtapNetworkNodeState';
  const sharer = createSharer(sharedValues);
  return {
    kind,
    resource: { what: 'MacvtapNetworkNodeStates', path: `${ours}/macvtapnetworknodestates`, metadataOnly: false },
    trim: ({ metadata, status }) =>
      shareNodeState(ofOurs(kind, { metadata, ...(status !== undefined && { status }) }, []), sharer),
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

/** An object of a list has neither apiVersion nor kind; one of a metadata list has another kind. */
function shaped(kind: Kind, apiVersion: string, { metadata }: ApiObject, keys: readonly string[]): ApiObject {
  const { name, namespace } = metadata;
  const kept = keys.filter((key) => metadata[key] !== undefined).map((key) => [key, metadata[key]]);
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...Object.fromEntries(kept) },
  };
}

function ofOurs(kind: CrdKind, object: ApiObject, keys: readonly string[]): ApiObject {
  const { metadata, ...rest } = object;
  const head = shaped(kind, 'macvtap.network.kubevirt.io/v1alpha1', object, keys);
  return pruneFields(kind, { ...head, ...rest }) as unknown as ApiObject;
}

/** @example '/apis/k8s.cni.cncf.io/v1/namespaces/vms/network-attachment-definitions/dataplane' */
export function networkPath(namespace: string, name: string): string {
  return `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/${networks}/${name}`;
}

/** @example '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies/p/status' */
export function policyStatusPath(namespace: string, name: string): string {
  return `${ours}/namespaces/${encodeURIComponent(namespace)}/macvtapnetworknodepolicies/${encodeURIComponent(name)}/status`;
}
