// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, ownValue } from '../json.ts';
import { resourcePrefix } from '../plan/resource.ts';

/** A pod from an admission request or a file. It is not validated: any field may have any value. */
export interface PodObject {
  readonly metadata?: unknown;
  readonly spec?: unknown;
}

/**
 * The lists of containers in a pod's spec. Each is mapped to the role that its containers have for kubelet's device
 * manager. An init container may also be a sidecar.
 */
const lists = { initContainers: 'init', containers: 'app', ephemeralContainers: 'ephemeral' } as const;

/** A container's request for one resource. */
export interface Ask {
  /** Without the prefix. */
  readonly resource: string;
  /** The number of devices; undefined if the quantity is not a valid number of devices. */
  readonly count: number | undefined;
  /** The path of the request: `spec.containers[0].resources.limits[macvtap.network.kubevirt.io/dataplane]`. */
  readonly path: string;
}

/** A resource of this project that a pod names, with the first place that contains the name. */
export interface NamedResource {
  /** Without the prefix. */
  readonly resource: string;
  readonly path: string;
  /** The network that names the resource, as `namespace/name`. Absent if a container requests the resource. */
  readonly network?: string;
}

/** One container of a pod. */
export interface PodContainer {
  readonly list: keyof typeof lists;
  readonly index: number;
  readonly name: string | undefined;
  /** A sidecar is an init container that runs as long as the pod (restartPolicy Always). */
  readonly role: 'init' | 'sidecar' | 'app' | 'ephemeral';
  /** The field `resources` as written. */
  readonly resources: unknown;
  /**
   * The resources of this project that the container asks for. The count is the larger of its limit and its request.
   */
  readonly asks: readonly Ask[];
}

/**
 * Returns all containers of a pod, in the order in which kubelet starts them. Items that are not objects are omitted.
 */
export function containersOf(pod: PodObject): readonly PodContainer[] {
  const spec = ownValue(pod, 'spec');
  return (Object.keys(lists) as (keyof typeof lists)[]).flatMap((list) => {
    const items = ownValue(spec, list);
    return Array.isArray(items) ? items.flatMap((item, index) => readContainer(item, list, index)) : [];
  });
}

/** Returns the text of an annotation, or undefined if it is absent. */
export function annotationOf(pod: PodObject, key: string): string | undefined {
  return textOf(ownValue(ownValue(pod, 'metadata'), 'annotations'), key);
}

/** Returns whether the pod is being deleted. */
export function isBeingDeleted(pod: PodObject): boolean {
  return textOf(ownValue(pod, 'metadata'), 'deletionTimestamp') !== undefined;
}

/** Returns the namespace in the pod's metadata. As in kubectl, it is `default` if a file names none. */
export function namespaceOf(pod: PodObject): string {
  return textOf(ownValue(pod, 'metadata'), 'namespace') ?? 'default';
}

function readContainer(item: unknown, list: keyof typeof lists, index: number): readonly PodContainer[] {
  if (!isJsonObject(item)) return [];
  const restarts = list === 'initContainers' && ownValue(item, 'restartPolicy') === 'Always';
  const resources = ownValue(item, 'resources');
  const role = restarts ? 'sidecar' : lists[list];
  return [{ list, index, name: textOf(item, 'name'), role, resources, asks: readAsks(resources, list, index) }];
}

const noAsks: readonly Ask[] = [];

function readAsks(resources: unknown, list: string, index: number): readonly Ask[] {
  let byResource: Map<string, Ask> | undefined;
  for (const field of ['limits', 'requests'] as const) {
    const quantities = ownValue(resources, field);
    if (!isJsonObject(quantities)) continue;
    for (const key of Object.keys(quantities)) {
      if (!key.startsWith(resourcePrefix)) continue;
      byResource ??= new Map();
      const resource = key.slice(resourcePrefix.length);
      const path = `spec.${list}[${index}].resources.${field}[${key}]`;
      const ask = { resource, count: parseDeviceCount(quantities[key]), path };
      const other = byResource.get(resource);
      byResource.set(resource, other === undefined ? ask : { ...other, count: higher(other.count, ask.count) });
    }
  }
  return byResource === undefined ? noAsks : [...byResource.values()];
}

function higher(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : Math.max(left, right);
}

function textOf(object: unknown, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === 'string' ? value : undefined;
}

/**
 * The exponents of suffixes: binary suffixes are powers of 2, decimal ones powers of 10. Source: apimachinery
 * resource.Quantity, suffixer.go.
 */
const binary = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n } as const;
const decimal = { n: -9n, u: -6n, m: -3n, '': 0n, k: 3n, M: 6n, G: 9n, T: 12n, P: 15n, E: 18n } as const;

/**
 * Matches a quantity with at most 18 digits on either side of the point, which is enough for any number of devices. The
 * limit keeps the cost of a hostile pod's quantity small, because the value is computed with BigInt.
 */
const pattern = /^\+?(\d{1,18})(?:\.(\d{0,18}))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;

/**
 * Parses a Kubernetes quantity as a whole number of devices: `"2"`, 2, `"1k"`, `"2000m"`, `"1e1"`. Returns undefined
 * for a fraction, a negative number, and any other text. An API server rejects these, but a file may contain them.
 */
export function parseDeviceCount(quantity: unknown): number | undefined {
  const [, whole, fraction = '', suffix = '', exponent] = pattern.exec(toText(quantity)) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = BigInt(fraction.length);
  if (isBinary(suffix)) return toCount(digits << binary[suffix], 10n ** scale);
  const power = exponent === undefined ? decimal[suffix as keyof typeof decimal] : BigInt(exponent.replace('+', ''));
  return power >= scale ? toCount(digits * 10n ** (power - scale), 1n) : toCount(digits, 10n ** (scale - power));
}

function toText(quantity: unknown): string {
  return typeof quantity === 'string' || typeof quantity === 'number' ? String(quantity) : '';
}

function isBinary(suffix: string): suffix is keyof typeof binary {
  return Object.hasOwn(binary, suffix);
}

function toCount(numerator: bigint, denominator: bigint): number | undefined {
  if (numerator % denominator !== 0n) return undefined;
  const count = numerator / denominator;
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : undefined;
}
