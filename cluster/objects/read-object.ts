// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import { fault, isRecord, type KnownObject, type ObjectFault, type ReadObject, shapeFaults } from './known-object.ts';
import { readConfigMap } from './read-config-map.ts';
import { readPolicyObject } from './read-policy-object.ts';

const group = 'macvtap.network.kubevirt.io';
const version = `${group}/v1alpha1`;

/** API version by kind, for the kinds that are read. */
const apiVersions: Readonly<Record<KnownObject['kind'], string>> = {
  Node: 'v1',
  Namespace: 'v1',
  ConfigMap: 'v1',
  NetworkAttachmentDefinition: 'k8s.cni.cncf.io/v1',
  MacvtapNetworkNodePolicy: version,
  MacvtapNetworkNodeState: version,
};

/**
 * What an API server labels every namespace with; selectors by name rest on it.
 * Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_Namespace.
 */
const nameLabel = 'kubernetes.io/metadata.name';

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Reads one object as it comes from a file: the checks that an API server would have made, then what it means. */
export function readObject(object: unknown, policyNamespace: string): ReadObject {
  if (!isRecord(object)) return refuse('document', [], 'no Kubernetes object; write apiVersion, kind and metadata');
  const { kind, apiVersion, metadata } = object;
  if (typeof kind !== 'string') return refuse('document', ['kind'], 'missing; say what kind of object this is');
  if (!isKnownKind(kind)) {
    const isOurs = typeof apiVersion === 'string' && apiVersion.startsWith(`${group}/`);
    return isOurs ? refuse(kind, ['kind'], `no kind of ${group}`) : undefined;
  }
  if (apiVersion !== apiVersions[kind]) {
    return isForeign(kind, apiVersion) ? undefined : refuse(kind, ['apiVersion'], `write ${apiVersions[kind]}`);
  }
  if (!isRecord(metadata) || typeof metadata.name !== 'string' || metadata.name === '') {
    return refuse(kind, ['metadata', 'name'], 'missing; give the object a name');
  }
  const id = idOf(kind, metadata);
  const faults = [...textMapFaults(metadata, 'labels'), ...textMapFaults(metadata, 'annotations')];
  if (faults.length > 0) {
    return kind === 'MacvtapNetworkNodePolicy' ? readPolicyObject(id, object, policyNamespace, faults) : { id, faults };
  }
  return readKnown(kind, id, object, metadata as unknown as Metadata, policyNamespace);
}

function readKnown(
  kind: KnownObject['kind'],
  id: string,
  object: Record<string, unknown>,
  metadata: Metadata,
  policyNamespace: string,
): ReadObject {
  switch (kind) {
    case 'Node':
      return { id, known: { kind, value: { name: metadata.name, labels: metadata.labels ?? {} } } };
    case 'Namespace':
      return { id, known: { kind, name: metadata.name, value: { ...metadata.labels, [nameLabel]: metadata.name } } };
    case 'NetworkAttachmentDefinition':
      return { id, known: { kind, value: { ...object, metadata: { namespace: 'default', ...metadata } } } };
    case 'ConfigMap':
      return readConfigMap(id, object, metadata, policyNamespace);
    case 'MacvtapNetworkNodeState': {
      const faults = shapeFaults(kind, object);
      if (faults.length > 0) return { id, faults };
      return { id, known: { kind, name: metadata.name, value: object as unknown as MacvtapNetworkNodeState } };
    }
    case 'MacvtapNetworkNodePolicy':
      return readPolicyObject(id, object, policyNamespace);
  }
}

function refuse(id: string, path: readonly string[], message: string): ReadObject {
  return { id, faults: [fault(path, message)] };
}

/** `MacvtapNetworkNodePolicy macvtap-cni/policy-1`; unique among the objects that are read. */
function idOf(kind: KnownObject['kind'], metadata: Record<string, unknown>): string {
  const clusterScoped = kind === 'Node' || kind === 'Namespace' || kind === 'MacvtapNetworkNodeState';
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  return clusterScoped ? `${kind} ${metadata.name}` : `${kind} ${namespace}/${metadata.name}`;
}

function isKnownKind(kind: string): kind is KnownObject['kind'] {
  return Object.hasOwn(apiVersions, kind);
}

/** Core kinds have namesakes in other groups (Longhorn has a Node); ours in another group are a slip of the pen. */
function isForeign(kind: KnownObject['kind'], apiVersion: unknown): boolean {
  return apiVersions[kind] === 'v1' && typeof apiVersion === 'string' && apiVersion.includes('/');
}

function textMapFaults(metadata: Record<string, unknown>, field: 'labels' | 'annotations'): readonly ObjectFault[] {
  const map = metadata[field] ?? {};
  if (!isRecord(map)) return [fault(['metadata', field], 'not a map of strings')];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'string')
    .map(([key]) => fault(['metadata', field, key], 'values are strings; write it in quotes'));
}
