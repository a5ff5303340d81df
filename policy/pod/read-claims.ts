// SPDX-License-Identifier: Apache-2.0
import { draDriver, resourceOfDeviceClass } from '../device/dra-names.ts';
import { isJsonObject, ownValue } from '../json.ts';
import type { PodObject } from './read-pod.ts';

/** Devices of this project that a request of a ResourceClaim asks for. */
export interface ClaimedDevices {
  /** Without the prefix. Undefined if only the request's CEL expressions name the driver. */
  readonly resource: string | undefined;
  /** Undefined if the number is not certain: the request asks for all devices, or has alternatives. */
  readonly count: number | undefined;
  /** @example 'spec.devices.requests[0]' */
  readonly path: string;
}

/** A claim or template that a pod names. */
export interface ClaimRef {
  readonly kind: ClaimKind;
  readonly name: string;
  /** @example 'spec.resourceClaims[0]' */
  readonly path: string;
}

export type ClaimKind = 'ResourceClaim' | 'ResourceClaimTemplate';

/** The claims and templates of a pod that were looked up, by `claimKey`. The value of a missing claim is undefined. */
export type KnownClaims = ReadonlyMap<string, unknown>;

/** Yields the resource names to which a hashed class name can refer. Most claims need none of them. */
export type ResourceNames = () => Iterable<string>;

/** The limits of resource.k8s.io/v1: requests of a claim, and alternatives and selectors of a request (types.go). */
const mostRequests = 32;
const mostAlternatives = 8;
const mostSelectors = 32;

/** A real pod names a few claims. A malicious pod could name thousands. */
const mostClaims = 64;

/** Each DeviceClass is also an extended resource with this prefix (resource.k8s.io/v1, ResourceDeviceClassPrefix). */
const classPrefix = 'deviceclass.resource.kubernetes.io/';

export function claimKey({ kind, name }: Pick<ClaimRef, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** Returns the claims and templates that a pod names. */
export function claimsNamedBy(pod: PodObject): readonly ClaimRef[] {
  return listOf(ownValue(pod, 'spec'), 'resourceClaims', mostClaims).flatMap((item, index): readonly ClaimRef[] => {
    const path = `spec.resourceClaims[${index}]`;
    const claim = ownValue(item, 'resourceClaimName');
    const template = ownValue(item, 'resourceClaimTemplateName');
    if (typeof claim === 'string') return [{ kind: 'ResourceClaim', name: claim, path }];
    return typeof template === 'string' ? [{ kind: 'ResourceClaimTemplate', name: template, path }] : [];
  });
}

/**
 * Returns the devices of this project that a claim or template asks for.
 *
 * A request asks for devices of a resource if it names the resource's DeviceClass. A request with another class may get
 * devices of any resource if its CEL expressions name the driver.
 */
export function devicesOfClaim(kind: ClaimKind, claim: unknown, resources: ResourceNames): readonly ClaimedDevices[] {
  const [spec, path] =
    kind === 'ResourceClaim'
      ? [ownValue(claim, 'spec'), 'spec']
      : [ownValue(ownValue(claim, 'spec'), 'spec'), 'spec.spec'];
  return listOf(ownValue(spec, 'devices'), 'requests', mostRequests).flatMap((request, index) => {
    const place = `${path}.devices.requests[${index}]`;
    const exactly = ownValue(request, 'exactly');
    const alternatives = listOf(request, 'firstAvailable', mostAlternatives);
    return [
      ...(exactly === undefined ? [] : readRequest(exactly, place, countOf(exactly), resources)),
      ...alternatives.flatMap((one) => readRequest(one, place, undefined, resources)),
    ];
  });
}

/** Returns the devices of this project that a pod gets without an entry in the prefix of its extended resources. */
export function devicesClaimedBy(
  pod: PodObject,
  known: KnownClaims,
  resources: ResourceNames,
): readonly ClaimedDevices[] {
  const claimed = claimsNamedBy(pod).flatMap((ref) => {
    const claim = known.get(claimKey(ref));
    const devices = claim === undefined ? [] : devicesOfClaim(ref.kind, claim, resources);
    return devices.map((device) => ({ ...device, path: ref.path }));
  });
  return [...claimed, ...devicesByClassName(pod, resources)];
}

/** A claim whose devices are not known. */
export interface UnknownClaim {
  readonly path: string;
  readonly text: string;
}

/**
 * Returns why it is uncertain which devices the pod gets from its claims, with the place of the claim. Such a claim
 * does not exist yet, or was not looked up. Returns undefined if all claims are known.
 */
export function findUnknownClaim(pod: PodObject, known: KnownClaims): UnknownClaim | undefined {
  const named = claimsNamedBy(pod);
  const missing = named.find((ref) => known.has(claimKey(ref)) && known.get(claimKey(ref)) === undefined);
  if (missing !== undefined) {
    return { path: missing.path, text: `${missing.kind} ${missing.name.slice(0, 253)} does not exist` };
  }
  const unread = named.find((ref) => !known.has(claimKey(ref)));
  const isCut = listOf(ownValue(pod, 'spec'), 'resourceClaims', mostClaims + 1).length > mostClaims;
  if (unread === undefined && !isCut) return undefined;
  const text = `the pod names more claims than the ${known.size} that the webhook reads`;
  return { path: unread?.path ?? 'spec.resourceClaims', text };
}

/** Returns the devices that containers request with the name of a DeviceClass. */
function devicesByClassName(pod: PodObject, resources: ResourceNames): readonly ClaimedDevices[] {
  return ['containers', 'initContainers'].flatMap((list) =>
    listOf(ownValue(pod, 'spec'), list, Number.POSITIVE_INFINITY).flatMap((container, index) => {
      const limits = ownValue(ownValue(container, 'resources'), 'limits');
      return Object.entries(isJsonObject(limits) ? limits : {}).flatMap(([key, count]) => {
        if (!key.startsWith(classPrefix)) return [];
        const resource = resourceOfDeviceClass(key.slice(classPrefix.length), resources);
        const path = `spec.${list}[${index}].resources.limits[${key}]`;
        return resource === undefined ? [] : [{ resource, count: Number(count) || undefined, path }];
      });
    }),
  );
}

function readRequest(
  request: unknown,
  path: string,
  count: number | undefined,
  resources: ResourceNames,
): readonly ClaimedDevices[] {
  const className = ownValue(request, 'deviceClassName');
  const resource = typeof className === 'string' ? resourceOfDeviceClass(className, resources) : undefined;
  if (resource !== undefined) return [{ resource, count, path }];
  const namesDriver = listOf(request, 'selectors', mostSelectors).some((selector) => {
    const expression = ownValue(ownValue(selector, 'cel'), 'expression');
    return typeof expression === 'string' && expression.includes(draDriver);
  });
  return namesDriver ? [{ resource: undefined, count: undefined, path }] : [];
}

function countOf(request: unknown): number | undefined {
  if (ownValue(request, 'allocationMode') === 'All') return undefined;
  const count = ownValue(request, 'count') ?? 1;
  return typeof count === 'number' ? count : undefined;
}

function listOf(object: unknown, key: string, most: number): readonly unknown[] {
  const list = ownValue(object, key);
  return Array.isArray(list) ? list.slice(0, most) : [];
}
