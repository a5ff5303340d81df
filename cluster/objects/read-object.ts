// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { type Edit, isJsonObject, withEdits } from '../../policy/json.ts';
import { type Policy, readBrokenPolicy, readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { describeFailure, reasonToLeaveOut } from '../../policy/nodestate/node-state-limits.ts';
import { explicitConfigMap, readExplicit } from '../../policy/plan/from-explicit.ts';
import type { Labels } from '../../policy/plan/match-labels.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { fault, type KnownObject, type ObjectFault, type ReadObject, shapeFaults } from './known-object.ts';
import { pathText } from './schema-faults.ts';

const group = 'macvtap.network.kubevirt.io';
const version = `${group}/v1alpha1`;

/** The API version of each kind that is read. */
const apiVersions: Readonly<Record<KnownObject['kind'], string>> = {
  Node: 'v1',
  Namespace: 'v1',
  ConfigMap: 'v1',
  NetworkAttachmentDefinition: 'k8s.cni.cncf.io/v1',
  MacvtapNetworkNodePolicy: version,
  MacvtapNetworkNodeState: version,
};

/** The label that the API server adds to every namespace, so that selectors can match a namespace by name. */
const nameLabel = 'kubernetes.io/metadata.name';

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads one object. First checks what an API server would check, because an object from a file was not checked yet.
 * Then reads the meaning of the object.
 */
export function readObject(object: unknown, policyNamespace: string): ReadObject {
  if (!isJsonObject(object))
    return refuse('document', [], 'not a Kubernetes object; set apiVersion, kind and metadata');
  const { kind, apiVersion, metadata } = object;
  if (typeof kind !== 'string') return refuse('document', ['kind'], 'missing; set the kind of the object');
  if (!isKnownKind(kind)) {
    const isOwnGroup = typeof apiVersion === 'string' && apiVersion.startsWith(`${group}/`);
    return isOwnGroup ? refuse(kind, ['kind'], `not a kind of ${group}`) : undefined;
  }
  if (apiVersion !== apiVersions[kind]) {
    return isForeign(kind, apiVersion) ? undefined : refuse(kind, ['apiVersion'], `set it to ${apiVersions[kind]}`);
  }
  if (!isJsonObject(metadata) || typeof metadata.name !== 'string' || metadata.name === '') {
    return refuse(kind, ['metadata', 'name'], 'missing; set a name');
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
    case 'MacvtapNetworkNodeState':
      return readNodeState(id, object, metadata);
    case 'MacvtapNetworkNodePolicy':
      return readPolicyObject(id, object, policyNamespace);
  }
}

/**
 * Reads a node state. An invalid state causes only one error, because a single node could otherwise cause thousands.
 */
function readNodeState(id: string, object: Record<string, unknown>, { name }: Metadata): ReadObject {
  const kind = 'MacvtapNetworkNodeState';
  const value = object as unknown as MacvtapNetworkNodeState;
  let reason: string | undefined;
  try {
    const [first, ...others] = shapeFaults(kind, object);
    if (first !== undefined) {
      const message = `${first.message}${others.length === 0 ? '' : `; and ${others.length} more`}`;
      return { id, known: { kind, name, leftOut: first.message }, faults: [{ ...first, message }] };
    }
    reason = reasonToLeaveOut(value);
  } catch (thrown) {
    reason = describeFailure(thrown);
  }
  if (reason === undefined) return { id, known: { kind, name, value } };
  const message = `${reason}: the state is left out, and its node counts as one that has not reported`;
  return { id, known: { kind, name, leftOut: reason }, faults: [fault([], message)] };
}

function refuse(id: string, path: readonly string[], message: string): ReadObject {
  return { id, faults: [fault(path, message)] };
}

/** Returns a unique ID of an object that is read, such as `MacvtapNetworkNodePolicy macvtap-cni/policy-1`. */
function idOf(kind: KnownObject['kind'], metadata: Record<string, unknown>): string {
  const clusterScoped = kind === 'Node' || kind === 'Namespace' || kind === 'MacvtapNetworkNodeState';
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  return clusterScoped ? `${kind} ${metadata.name}` : `${kind} ${namespace}/${metadata.name}`;
}

function isKnownKind(kind: string): kind is KnownObject['kind'] {
  return Object.hasOwn(apiVersions, kind);
}

/** Returns whether a kind has the name of a core kind but is in another API group, such as Longhorn's Node. */
function isForeign(kind: KnownObject['kind'], apiVersion: unknown): boolean {
  return apiVersions[kind] === 'v1' && typeof apiVersion === 'string' && apiVersion.includes('/');
}

function textMapFaults(metadata: Record<string, unknown>, field: 'labels' | 'annotations'): readonly ObjectFault[] {
  const map = metadata[field] ?? {};
  if (!isJsonObject(map)) return [fault(['metadata', field], 'not a map of strings')];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'string')
    .map(([key]) => fault(['metadata', field, key], 'not a string; write it in quotes'));
}

/**
 * Reads macvtap-cni's config map. Ignores config maps with another name or in another namespace than the
 * installation's.
 */
function readConfigMap(
  id: string,
  object: Record<string, unknown>,
  { name, namespace = 'default' }: { readonly name: string; readonly namespace?: string },
  policyNamespace: string,
): ReadObject {
  if (name !== explicitConfigMap.name || namespace !== policyNamespace) return undefined;
  const text = isJsonObject(object.data) ? (object.data[explicitConfigMap.key] ?? '') : '';
  const path = ['data', explicitConfigMap.key];
  const explicitFault = (explicit: string): ObjectFault => ({ ...fault(path, explicit), explicit });
  if (typeof text !== 'string') return { id, faults: [explicitFault('not a string; write the JSON list in quotes')] };
  const config = readExplicit(text);
  const known = { kind: 'ConfigMap', value: config } as const;
  if (!('fault' in config)) return { id, known };
  return { id, known, faults: [explicitFault(config.fault)] };
}

/**
 * Reads a policy: checks the schema, and then the rules. An invalid policy is also read. It exposes nothing, but still
 * applies to its nodes. Otherwise, implicit exposure might offer more on these nodes than the author of the policy
 * wanted.
 */
function readPolicyObject(
  id: string,
  object: Record<string, unknown>,
  policyNamespace: string,
  metadataFaults: readonly ObjectFault[] = [],
): ReadObject {
  const kind = 'MacvtapNetworkNodePolicy';
  const faults = [...metadataFaults, ...shapeFaults(kind, object)];
  const value = faults.length > 0 ? readInvalid(object, faults, policyNamespace) : readValid(object, policyNamespace);
  const known = { kind, value } as const;
  const ruleFaults = value.faults.filter(({ code }) => code !== 'SchemaFault').map(toObjectFault);
  return value.faults.length === 0 ? { id, known } : { id, known, faults: [...ruleFaults, ...faults] };
}

function readInvalid(object: unknown, faults: readonly ObjectFault[], policyNamespace: string): Policy {
  const places = faults.map(({ path, message }) => ({ path: pathText(path), detail: message }));
  return readBrokenPolicy(object, places, { policyNamespace });
}

function readValid(object: Record<string, unknown>, policyNamespace: string): Policy {
  const { metadata, spec } = object as unknown as PolicyObject;
  const placed = { ...metadata, namespace: metadata.namespace ?? 'default' };
  return readPolicy({ metadata: placed, spec }, { policyNamespace });
}

function toObjectFault({ code, path, reason, detail }: Policy['faults'][number]): ObjectFault {
  return { path: parsePath(path), message: `${path}: ${code}: ${reason}: ${detail}` };
}

/** Parses a path such as `spec.parentSelector[0].mode` or `spec.nodeSelector.matchLabels[example.com/zone]`. */
function parsePath(path: string): readonly string[] {
  return [...path.matchAll(/([^.[\]]+)|\[([^\]]+)\]/g)].map(([, name, key]) => name ?? key ?? '');
}

/**
 * Applies edits to a copy of an object. The copy shares unchanged values with the original. Raises Unexpected if the
 * edits do not apply, which is a bug in the rule that made them.
 */
export function applyEdits<Edited extends object>(object: Edited, edits: readonly Edit[]): Edited {
  try {
    return withEdits(object, edits) as Edited;
  } catch (cause) {
    const paths = edits.map(({ path }) => path).join(', ');
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MacvtapError('Unexpected', `the patch of ${paths} does not apply: ${text}`, { cause });
  }
}
