// SPDX-License-Identifier: Apache-2.0
import { type Edit, pointer } from '../edit.ts';
import { isJsonObject, ownValue } from '../json-object.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import { type Verdict, warn } from '../reasons.ts';
import { countHeld, type Devices } from './count-demand.ts';
import { containersOf, type PodContainer, type PodObject } from './read-pod.ts';

/** What is added to a pod, by container: all of it goes to one. */
export interface Addition {
  readonly edits: readonly Edit[];
  /** How many devices were added of each resource. */
  readonly added: Devices;
  /** What the container asked for before. */
  readonly before: Devices;
  /** Severity warn: what could not be added. */
  readonly verdicts: readonly Verdict[];
}

/** The container of virt-launcher that opens the tap. */
const computeContainer = 'compute';

/**
 * Adds the devices that a pod's attachments need and its containers do not ask for yet, to the app container named
 * compute, else to the first one. kubelet gives devices to containers, and Multus finds those of all of them: what any
 * app container or sidecar asks for is there already, whoever put it in, so a second pass adds nothing.
 *
 * An extended resource cannot be overcommitted: limit and request are both written, and equal. Emits NotInjected.
 */
export function addMissing(pod: PodObject, demand: Devices): Addition {
  const containers = containersOf(pod);
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

/** Resources of which some container asks for what is no number: adding to it would only hide that. */
function unreadableIn(containers: readonly PodContainer[]): ReadonlyMap<string, Obstacle> {
  const asks = containers.flatMap(({ asks: list }) => list).filter(({ count }) => count === undefined);
  return new Map(
    asks.map(({ resource, path }) => [resource, { path, text: 'what is asked for already is no number' }]),
  );
}

/** Why nothing can be written into a container. */
function obstacleIn(target: PodContainer | undefined): Obstacle | undefined {
  if (target === undefined) return { path: 'spec.containers', text: 'the pod has no container to add it to' };
  const { resources, index } = target;
  const places = [resources, ownValue(resources, 'limits'), ownValue(resources, 'requests')];
  return places.every((place) => isAbsent(place) || isJsonObject(place))
    ? undefined
    : { path: `spec.containers[${index}].resources`, text: 'neither empty nor an object' };
}

/** Absent and null are the same to the API server, but not to a JSON Patch: it adds below objects only. */
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
