// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KnownObject } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { Lookups } from '../source.ts';
import { refused } from './api-errors.ts';
import { type ApiObject, acceptFor, isApiObject, isObjectName, listAll, type WatchedResource } from './api-resource.ts';
import type { ApiClient } from './client.ts';
import { namespaces, networkAttachmentDefinitions, networkPath, policiesIn } from './watched-kinds.ts';

/** Creates look-ups that send requests to the API server. Each look-up is one GET or one list. */
export function createApiLookups(client: ApiClient, policyNamespace: string): Lookups {
  const read = <Of extends KnownObject['kind']>(kind: Of, object: ApiObject) => {
    const known = readObject(object, policyNamespace)?.known;
    return known?.kind === kind ? (known as Extract<KnownObject, { kind: Of }>) : undefined;
  };
  const get = (resource: GetResource, path: string, signal: AbortSignal, ifNotInstalled?: ApiObject) =>
    getObject(client, resource, path, { signal, timeoutMs: reviewTimeoutMs, ifNotInstalled });
  return {
    async network(namespace, name, signal) {
      if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
      const { resource, trim } = networkAttachmentDefinitions;
      const object = await get(resource, networkPath(namespace, name), signal);
      return object && read('NetworkAttachmentDefinition', trim(object))?.value;
    },
    async namespace(name, signal) {
      if (!isObjectName(name)) return undefined;
      const { resource, trim } = namespaces;
      const object = await get(resource, `${resource.path}/${name}`, signal);
      return object && read('Namespace', trim(object))?.value;
    },
    async claim(kind, namespace, name, signal) {
      if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
      const path = `/apis/resource.k8s.io/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
      // The claim then exists in an older version of the API. It has no device of the driver, which needs v1.
      return await get({ metadataOnly: false }, path, signal, { metadata: { name } });
    },
    async policies(signal) {
      const { resource, trim } = policiesIn(policyNamespace);
      const options = { trim, signal, timeoutMs: reviewTimeoutMs };
      const listed = await listAll(client, resource, options).catch(failed);
      if ('absent' in listed) return [];
      return listed.objects
        .map((object) => read('MacvtapNetworkNodePolicy', object)?.value)
        .filter((policy) => policy !== undefined);
    },
  };
}

/** The maximum time that an admission request waits for a look-up. */
const reviewTimeoutMs = 1_000;

/** A pod's owner. @example { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: '…', controller: true } */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Whether this owner manages the pod. A pod has at most one such owner. */
  readonly controller: boolean;
}

export interface PodMetadata {
  readonly uid: string;
  /**
   * The creation time on the API server's clock, in milliseconds since the epoch. Kubernetes stores whole seconds. NaN
   * if the object has none.
   */
  readonly createdMs: number;
  readonly owners: readonly OwnerReference[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Reads the metadata of one object with one request, without its spec and status. Returns undefined if the object does
 * not exist. Raises LookupFailed if the API server refuses the request or does not respond in time.
 */
export interface MetadataLookups {
  pod(namespace: string, name: string, signal: AbortSignal): Promise<PodMetadata | undefined>;
  namespaceUID(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** Returns the UID of a pod, and the ResourceClaims that its spec names. Templates are left out. */
  podClaims(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly uid: string; readonly claims: readonly string[] } | undefined>;
}

/**
 * The time limit of a look-up during a CNI ADD. An ADD may take 15 seconds in total, and kubelet repeats an ADD that
 * fails.
 */
const attachTimeoutMs = 3_000;

export function createMetadataLookups(client: ApiClient): MetadataLookups {
  const getMetadata = async (path: string, signal: AbortSignal): Promise<ApiObject['metadata'] | undefined> =>
    (await getObject(client, { metadataOnly: true }, path, { signal, timeoutMs: attachTimeoutMs }))?.metadata;
  return {
    async pod(namespace, name, signal) {
      if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
      const metadata = await getMetadata(`/api/v1/namespaces/${namespace}/pods/${name}`, signal);
      return metadata && readPodMetadata(metadata);
    },
    async namespaceUID(name, signal) {
      if (!isObjectName(name)) return undefined;
      const metadata = await getMetadata(`/api/v1/namespaces/${name}`, signal);
      return metadata && String(metadata.uid);
    },
    async podClaims(namespace, name, signal) {
      if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
      const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
      const found = await getObject(client, { metadataOnly: false }, path, { signal, timeoutMs: attachTimeoutMs });
      const claims = objectsIn(isJsonObject(found?.spec) ? found.spec.resourceClaims : undefined);
      const names = claims.flatMap(({ resourceClaimName }) => resourceClaimName ?? []).map(String);
      return found && { uid: String(found.metadata.uid), claims: names };
    },
  };
}

export function readPodMetadata(metadata: ApiObject['metadata']): PodMetadata {
  const { uid, creationTimestamp, ownerReferences, labels, annotations } = metadata;
  return {
    uid: String(uid),
    createdMs: Date.parse(String(creationTimestamp)),
    owners: readOwners(ownerReferences),
    labels: readTexts(labels),
    annotations: readTexts(annotations),
  };
}

function readTexts(texts: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(texts)) return {};
  return Object.fromEntries(
    Object.entries(texts).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function readOwners(references: unknown): readonly OwnerReference[] {
  return objectsIn(references).map(({ apiVersion, kind, name, uid, controller }) => ({
    apiVersion: String(apiVersion),
    kind: String(kind),
    name: String(name),
    uid: String(uid),
    controller: controller === true,
  }));
}

type GetResource = Pick<WatchedResource, 'metadataOnly'>;

interface GetOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly ifNotInstalled?: ApiObject | undefined;
}

/**
 * Reads one object. Returns undefined if it does not exist, and `ifNotInstalled` if the API server does not know the
 * API group or its version. Raises LookupFailed.
 */
async function getObject(
  client: ApiClient,
  resource: GetResource,
  path: string,
  { signal, timeoutMs, ifNotInstalled }: GetOptions,
): Promise<ApiObject | undefined> {
  const accept = acceptFor(resource, 'get');
  const answer = await client.request('GET', path, undefined, { accept, signal, timeoutMs }).catch(failed);
  // For an unknown path, the API server answers with a text, and for an unknown object with a Status.
  if (answer.status === 404) return isJsonObject(answer.body) ? undefined : ifNotInstalled;
  if (answer.status !== 200 || !isApiObject(answer.body)) return failed(refused(`GET ${path}`, answer));
  return answer.body;
}

function failed(thrown: unknown): never {
  const { message, facts } = MacvtapError.from(thrown);
  throw new MacvtapError('LookupFailed', message, { facts, cause: thrown });
}

/** A device of an allocated ResourceClaim. */
export interface AllocationResult {
  readonly request: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly adminAccess: boolean;
}

/** The allocation of a ResourceClaim. */
export interface AllocatedClaim {
  readonly uid: string;
  /** The pods for which the claim is reserved. */
  readonly pods: readonly { readonly name: string; readonly uid: string }[];
  /** The devices of all drivers. Empty if the claim is not allocated. */
  readonly results: readonly AllocationResult[];
  /** The kinds of the opaque configuration for each driver, from the claim and its class. */
  readonly configs: readonly { readonly driver: string; readonly kind: string }[];
}

/** Reads a ResourceClaim with one request. Returns undefined if it does not exist. Raises LookupFailed. */
export type ClaimLookup = (namespace: string, name: string, signal: AbortSignal) => Promise<AllocatedClaim | undefined>;

export function createClaimLookup(client: ApiClient): ClaimLookup {
  return async (namespace, name, signal) => {
    if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
    const path = `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims/${name}`;
    const object = await getObject(client, { metadataOnly: false }, path, { signal, timeoutMs: attachTimeoutMs });
    return object && readClaim(object);
  };
}

function readClaim({ metadata, status }: ApiObject): AllocatedClaim {
  const { allocation, reservedFor } = isJsonObject(status) ? status : {};
  const { devices } = isJsonObject(allocation) ? allocation : {};
  const { results, config } = isJsonObject(devices) ? devices : {};
  return {
    uid: String(metadata.uid),
    pods: objectsIn(reservedFor).flatMap(({ resource, name, uid }) =>
      resource === 'pods' ? [{ name: String(name), uid: String(uid) }] : [],
    ),
    results: objectsIn(results).map(({ request, driver, pool, device, adminAccess }) => ({
      request: String(request),
      driver: String(driver),
      pool: String(pool),
      device: String(device),
      adminAccess: adminAccess === true,
    })),
    configs: objectsIn(config).flatMap(({ opaque }) => {
      if (!isJsonObject(opaque)) return [];
      const { kind } = isJsonObject(opaque.parameters) ? opaque.parameters : {};
      return [{ driver: String(opaque.driver), kind: typeof kind === 'string' ? kind : 'unknown' }];
    }),
  };
}

function objectsIn(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
