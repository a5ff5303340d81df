// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../../policy/api/macvtap-network-node-policy.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { type Policy, readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import type { NodeFacts } from '../../policy/plan/match-node.ts';
import { type ExplicitConfig, explicitConfigMap, readExplicit } from '../../policy/plan/read-explicit.ts';
import type { NetworkAttachmentDefinition } from '../snapshot.ts';
import { schemaFaults } from './schema-faults.ts';

/** An object that some part of the program reads. */
export type KnownObject =
  | { readonly kind: 'Node'; readonly value: NodeFacts }
  | { readonly kind: 'Namespace'; readonly name: string; readonly value: Labels }
  | { readonly kind: 'MacvtapNetworkNodePolicy'; readonly value: Policy }
  | { readonly kind: 'MacvtapNetworkNodeState'; readonly name: string; readonly value: MacvtapNetworkNodeState }
  | { readonly kind: 'NetworkAttachmentDefinition'; readonly value: NetworkAttachmentDefinition }
  | { readonly kind: 'ConfigMap'; readonly value: ExplicitConfig };

/** What is wrong with an object, with the place inside it where one is known. */
interface ObjectFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * An object read, refused, or of no interest (a kind that nothing here reads). One that an API server would take, but
 * that means nothing sensible, is both read and faulty.
 */
export type ReadObject =
  | { readonly id: string; readonly known: KnownObject; readonly faults?: readonly ObjectFault[] }
  | { readonly id: string; readonly known?: undefined; readonly faults: readonly ObjectFault[] }
  | undefined;

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
  if (faults.length > 0) return { id, faults };
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
      return { id, known: { kind, name: metadata.name, value: metadata.labels ?? {} } };
    case 'NetworkAttachmentDefinition':
      return { id, known: { kind, value: { ...object, metadata: { namespace: 'default', ...metadata } } } };
    case 'ConfigMap':
      return readConfigMap(id, object, metadata, policyNamespace);
    case 'MacvtapNetworkNodeState': {
      const faults = schemaFaults(kind, object);
      if (faults.length > 0) return { id, faults: faults.map(withText) };
      return { id, known: { kind, name: metadata.name, value: object as unknown as MacvtapNetworkNodeState } };
    }
    case 'MacvtapNetworkNodePolicy':
      return readPolicyObject(id, object, policyNamespace);
  }
}

function readPolicyObject(id: string, object: Record<string, unknown>, policyNamespace: string): ReadObject {
  const kind = 'MacvtapNetworkNodePolicy';
  const faults = schemaFaults(kind, object);
  if (faults.length > 0) return { id, faults: faults.map(withText) };
  const { metadata, spec } = object as unknown as MacvtapNetworkNodePolicy & { metadata: PolicyObject['metadata'] };
  const policy = readPolicy(
    { metadata: { ...metadata, namespace: metadata.namespace ?? 'default' }, spec },
    { policyNamespace },
  );
  const known = { kind, value: policy } as const;
  if (policy.faults.length === 0) return { id, known };
  // It exposes nothing, but its nodes are still those that somebody meant to restrict.
  const ruleFaults = policy.faults.map(({ code, path, reason, detail }) => ({
    path: parsePath(path),
    message: `${path}: ${code}: ${reason}: ${detail}`,
  }));
  return { id, known, faults: ruleFaults };
}

/** Only upstream's config map, in the installation's namespace, means anything here. */
function readConfigMap(
  id: string,
  object: Record<string, unknown>,
  { name, namespace = 'default' }: Metadata,
  policyNamespace: string,
): ReadObject {
  if (name !== explicitConfigMap.name || namespace !== policyNamespace) return undefined;
  const text = isRecord(object.data) ? (object.data[explicitConfigMap.key] ?? '') : '';
  const path = ['data', explicitConfigMap.key];
  if (typeof text !== 'string') return refuse(id, path, 'no text; write the JSON list in quotes');
  const config = readExplicit(text);
  const known = { kind: 'ConfigMap', value: config } as const;
  if (!('fault' in config)) return { id, known };
  return { id, known, faults: [fault(path, `${config.fault}; write [{"name": …, "lowerDevice": …}]`)] };
}

function refuse(id: string, path: readonly string[], message: string): ReadObject {
  return { id, faults: [fault(path, message)] };
}

function fault(path: readonly string[], message: string): ObjectFault {
  return { path, message: path.length === 0 ? message : `${path.join('.')}: ${message}` };
}

function withText({ path, text, message }: { path: ObjectFault['path']; text: string; message: string }): ObjectFault {
  return { path, message: text === '' ? message : `${text}: ${message}` };
}

/** Back from `spec.parentSelector[0].mode` and `spec.nodeSelector.matchLabels[example.com/zone]`. */
function parsePath(path: string): readonly string[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]+)\]/g)].map(([, name, key]) => name ?? key ?? '');
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
