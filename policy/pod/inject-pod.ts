// SPDX-License-Identifier: Apache-2.0
import { type Edit, isJsonObject, type Mutation, ownValue, pointer } from '../json.ts';
import { compareText } from '../names.ts';
import { resourcePrefix } from '../plan/resource.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { checkAmbiguousKeys } from './check-ambiguous-keys.ts';
import { checkNetworks, mayAttach } from './check-networks.ts';
import { containersIn, countDemand, countHeld, type Devices } from './count-demand.ts';
import { networksOf } from './parse-networks.ts';
import { type ClaimedDevices, findUnknownClaim } from './read-claims.ts';
import { annotationOf, isBeingDeleted, type PodContainer, type PodObject } from './read-pod.ts';
import { claimedBy, type PodContext } from './rule.ts';

/**
 * Adds the devices that a new pod's networks need but its containers do not request. Records the added devices in an
 * annotation. Warns about networks whose attachment will fail.
 *
 * An existing pod cannot get more devices, so an update changes nothing. Ambiguous keys are denied here, because the
 * validating webhook does not receive pods that request no device.
 */
export function injectPod(pod: PodObject, context: PodContext): Mutation {
  if (context.before !== undefined || isBeingDeleted(pod) || !mayAttach(pod, context)) {
    return { edits: [], verdicts: [] };
  }
  return injectDevices(pod, context);
}

/** Does the same as `injectPod` for a new pod, without the check that skips pods with networks of other vendors. */
export function injectDevices(pod: PodObject, context: PodContext): Mutation {
  const demand = countDemand(networksOf(pod, context), context.networks);
  const missing = withoutClaimed(demand, claimedBy(pod, context));
  const { edits, added, before, verdicts } = addMissing(containersIn(pod, context), missing);
  return {
    edits: [...edits, ...recordInjected(pod, added, before)],
    verdicts: [
      ...checkAmbiguousKeys(pod, context),
      ...checkNetworks(pod, context),
      ...verdicts,
      ...refuseUnknownClaims(pod, added, context),
    ],
  };
}

/**
 * Denies a pod that would get devices although one of its claims is not known, because the claim may give the same
 * devices. The pod would then hold each device twice. Emits ClaimUnknown.
 */
function refuseUnknownClaims(pod: PodObject, added: Devices, { claims }: PodContext): readonly Verdict[] {
  const unknown = claims && added.size > 0 ? findUnknownClaim(pod, claims) : undefined;
  if (unknown === undefined) return [];
  const devices = [...added].map(([resource, count]) => `${count} of ${resourcePrefix}${resource}`).join(', ');
  return [deny('ClaimUnknown', unknown.path, `${unknown.text}; needed: ${devices}`)];
}

/**
 * Subtracts the devices that a pod gets from claims. If the number of a claim's devices is not certain, the claim is
 * taken to cover the resource. If its resource is not certain, the claim is taken to cover every resource.
 */
function withoutClaimed(demand: Devices, claimed: readonly ClaimedDevices[]): Devices {
  if (claimed.some(({ resource }) => resource === undefined)) return new Map();
  const rest = new Map(demand);
  for (const { resource = '', count = Number.POSITIVE_INFINITY } of claimed) {
    rest.set(resource, Math.max(0, (rest.get(resource) ?? 0) - count));
  }
  return rest;
}

/** The annotation that records the devices that the webhook added: `{"macvtap.network.kubevirt.io/dataplane":1}`. */
export const injectedAnnotation = 'macvtap.network.kubevirt.io/injected';

/**
 * Returns the edit that records the added devices in an annotation. The pod may already have this annotation from an
 * earlier call of the webhook. It may also be a copy from another pod, and therefore wrong. So the old annotation
 * counts only for devices that the container already requested (`before`).
 */
function recordInjected(pod: PodObject, added: Devices, before: Devices): readonly Edit[] {
  if (added.size === 0) return [];
  const earlier = readRecord(annotationOf(pod, injectedAnnotation));
  const names = [...new Set([...earlier.keys(), ...added.keys()])].sort(compareText);
  const counts = names.map((name) => {
    const kept = Math.min(earlier.get(name) ?? 0, before.get(name) ?? 0);
    return [`${resourcePrefix}${name}`, kept + (added.get(name) ?? 0)] as const;
  });
  const record = Object.fromEntries(counts.filter(([, count]) => count > 0));
  return [addAnnotation(pod, injectedAnnotation, JSON.stringify(record))];
}

/** Reads the record. An unreadable record is treated as empty and overwritten. */
function readRecord(text: string | undefined): Devices {
  let record: unknown;
  try {
    record = JSON.parse(text ?? '{}');
  } catch {
    return new Map();
  }
  const entries = isJsonObject(record) ? Object.entries(record) : [];
  return new Map(
    entries.flatMap(([key, count]) =>
      key.startsWith(resourcePrefix) && typeof count === 'number' && count > 0
        ? [[key.slice(resourcePrefix.length), Math.floor(count)] as const]
        : [],
    ),
  );
}

/** Sets an annotation. The map of annotations exists, because an annotation names the pod's networks. */
function addAnnotation(pod: PodObject, key: string, value: string): Edit {
  const op = ownValue(ownValue(ownValue(pod, 'metadata'), 'annotations'), key) === undefined ? 'add' : 'replace';
  return { op, path: pointer('metadata', 'annotations', key), value };
}

/** The path of an edit that sets resources, or one of their maps, or one key of a map. */
const resourcesPath = /^\/spec\/containers\/(0|[1-9]\d*)\/resources(?:\/(limits|requests)(?:\/([^/]+))?)?$/;
const recordPath = pointer('metadata', 'annotations', injectedAnnotation);

/**
 * Returns whether all edits apply to a pod, and only set its record and requests for these resources. If the pod's
 * networks name these resources, no rule denies the edited pod that does not also deny the pod: the rules review the
 * networks and the names of resources, and both stay the same. A result of false only means that this is not certain.
 */
export function onlyAddsDevices(pod: PodObject, edits: readonly Edit[], resources: Devices): boolean {
  const isNamed = (key: string): boolean =>
    key.startsWith(resourcePrefix) && resources.has(key.slice(resourcePrefix.length));
  const isNew = (value: unknown, key: string, op: Edit['op']): boolean =>
    isJsonObject(value) && op === (Object.hasOwn(value, key) ? 'replace' : 'add');
  const containers = ownValue(ownValue(pod, 'spec'), 'containers');
  return edits.every(({ op, path, value }) => {
    if (path === recordPath) return isNew(ownValue(ownValue(pod, 'metadata'), 'annotations'), injectedAnnotation, op);
    const [matched, index, field, escaped] = resourcesPath.exec(path) ?? [];
    if (matched === undefined || !Array.isArray(containers)) return false;
    const container: unknown = containers[Number(index)];
    if (!isJsonObject(container)) return false;
    const present = ownValue(container, 'resources');
    if (field === undefined) {
      const maps = isAbsent(present) && isJsonObject(value) ? Object.values(value) : [undefined];
      return op === 'add' && maps.every((map) => isJsonObject(map) && Object.keys(map).every(isNamed));
    }
    if (!isJsonObject(present)) return false;
    const map = ownValue(present, field);
    if (escaped === undefined) {
      return op === 'add' && isAbsent(map) && isJsonObject(value) && Object.keys(value).every(isNamed);
    }
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    return isNamed(key) && isNew(map, key, op);
  });
}

/** The devices that are added to a pod. All of them are added to the same container. */
interface Addition {
  readonly edits: readonly Edit[];
  /** The number of added devices, by resource. */
  readonly added: Devices;
  /** The devices that the container already requested. */
  readonly before: Devices;
  /** Warnings about devices that could not be added. */
  readonly verdicts: readonly Verdict[];
}

/** The container of virt-launcher that opens the tap device. */
const computeContainer = 'compute';

/**
 * Adds the devices that a pod's attachments need but its containers do not request yet. They are added to the app
 * container named compute, or else to the first app container.
 *
 * kubelet allocates devices to each container separately, but Multus uses the devices of all containers of the pod. So
 * the requests of every app container and sidecar are subtracted from the need. For the same reason, nothing is added
 * twice if the API server calls the webhook again for the same pod. Extended resources cannot be overcommitted, so
 * limit and request are both set to the same value. Emits NotInjected.
 */
function addMissing(containers: readonly PodContainer[], demand: Devices): Addition {
  const held = countHeld(containers);
  const missing = [...demand].filter(([resource, needed]) => needed > (held.get(resource) ?? 0));
  const unreadable = unreadableIn(containers);
  const apps = containers.filter(({ list }) => list === 'containers');
  const target = apps.find(({ name }) => name === computeContainer) ?? apps[0];
  const before = target === undefined ? new Map() : countHeld([target]);
  const added = new Map<string, number>();
  const verdicts: Verdict[] = [];
  for (const [resource, needed] of missing) {
    const count = needed - (held.get(resource) ?? 0);
    const obstacle = unreadable.get(resource) ?? obstacleIn(target);
    if (obstacle === undefined) added.set(resource, count);
    else
      verdicts.push(warn('NotInjected', obstacle.path, `${count} of ${resourcePrefix}${resource}: ${obstacle.text}`));
  }
  const wanted = [...added].map(([resource, count]) => [resource, count + (before.get(resource) ?? 0)] as const);
  const edits = target === undefined || wanted.length === 0 ? [] : editResources(target, new Map(wanted));
  return { edits, added, before, verdicts };
}

interface Obstacle {
  readonly path: string;
  readonly text: string;
}

/**
 * Returns the resources for which a container has an invalid quantity. No devices are added for them, because this
 * would hide the error.
 */
function unreadableIn(containers: readonly PodContainer[]): ReadonlyMap<string, Obstacle> {
  const asks = containers.flatMap(({ asks: list }) => list).filter(({ count }) => count === undefined);
  return new Map(asks.map(({ resource, path }) => [resource, { path, text: 'the existing quantity is not a number' }]));
}

/** Returns why devices cannot be added to a container, or undefined if they can. */
function obstacleIn(target: PodContainer | undefined): Obstacle | undefined {
  if (target === undefined) return { path: 'spec.containers', text: 'the pod has no container to add it to' };
  const { resources, index } = target;
  const places = [resources, ownValue(resources, 'limits'), ownValue(resources, 'requests')];
  return places.every((place) => isAbsent(place) || isJsonObject(place))
    ? undefined
    : { path: `spec.containers[${index}].resources`, text: 'neither empty nor an object' };
}

/**
 * Returns the edits that set limits and requests. If `resources`, `limits` or `requests` is null, the whole field is
 * replaced. The API server treats null as absent, but a JSON Patch can add keys only to objects.
 */
function editResources({ resources, index }: PodContainer, wanted: Devices): readonly Edit[] {
  const path = ['spec', 'containers', index, 'resources'];
  const quantities = Object.fromEntries(
    [...wanted].map(([name, count]) => [`${resourcePrefix}${name}`, String(count)]),
  );
  if (isAbsent(resources)) {
    return [{ op: 'add', path: pointer(...path), value: { limits: quantities, requests: quantities } }];
  }
  return ['limits', 'requests'].flatMap((field) => {
    const present = ownValue(resources, field);
    if (isAbsent(present)) return [{ op: 'add', path: pointer(...path, field), value: quantities }];
    return Object.entries(quantities).map(([key, value]): Edit => {
      const op = ownValue(present, key) === undefined ? 'add' : 'replace';
      return { op, path: pointer(...path, field, key), value };
    });
  });
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
