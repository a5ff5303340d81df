// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../../../policy/names.ts';
import { readDeclaredSources } from '../../../policy/offers/declared-sources.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import type { ExplicitConfig } from '../../../policy/plan/from-explicit.ts';
import { isLegalResourceName } from '../../../policy/plan/resource.ts';
import type { ApiObject } from '../../api/api-resource.ts';
import { aboutPolicy } from '../events/cluster-event.ts';
import type { PersistentCondition } from './persistent-conditions.ts';

/**
 * The limit of resources whose names come from interfaces that nodes report. A malicious node could report thousands of
 * interfaces that match a glob.
 */
export const mostReported = 256;

/** The resources that get a DeviceClass. */
export interface ClassedResources {
  /** All of them, sorted. */
  readonly resources: readonly string[];
  /** Further reported resources, which exceed `mostReported`. Sorted. */
  readonly leftOut: readonly string[];
}

/**
 * Returns the resources that get a DeviceClass. Only policies and the explicit configuration decide: the resources that
 * they name, and reported resources that match a glob in a policy. Of the latter, those that have a class come first,
 * up to a limit. So a node that reports many names cannot replace the classes of other names.
 */
export function resourcesWithClass(
  { governing, resources }: Pick<Offers, 'governing' | 'resources'>,
  explicit: ExplicitConfig | undefined,
  hasClass: (resource: string) => boolean,
): ClassedResources {
  const named = new Set([...governing.names, ...readDeclaredSources([], explicit).explicit.keys()]);
  const isReported = (resource: string): boolean =>
    !named.has(resource) && isLegalResourceName(resource) && governing.of(resource).length > 0;
  const reported = resources.filter(isReported).sort(compareNatural);
  const [existing, others] = [reported.filter(hasClass), reported.filter((resource) => !hasClass(resource))];
  const ranked = [...existing, ...others];
  return {
    resources: [...[...named].filter(isLegalResourceName), ...ranked.slice(0, mostReported)].sort(compareNatural),
    leftOut: ranked.slice(mostReported),
  };
}

/** A DeviceClass of another owner that has the name or the extended resource of a class that the project needs. */
export interface TakenClass {
  readonly deviceClass: string;
  readonly uid?: string;
  readonly resource: string;
  /** The property that the class shares with the needed one. */
  readonly by: 'name' | 'extendedResourceName';
}
export function takenBy({ metadata: { name, uid } }: ApiObject, resource: string, by: TakenClass['by']): TakenClass {
  return { deviceClass: name, ...(typeof uid === 'string' && { uid }), resource, by };
}

/** Returns an event for each class of another owner that the project needs. */
export function takenEvents(taken: readonly TakenClass[]): readonly PersistentCondition[] {
  return taken.map(({ deviceClass, uid, resource, by }) => {
    const regarding = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', name: deviceClass };
    const note =
      by === 'name'
        ? `resource ${resource} needs a DeviceClass of this name, but another owner created it; delete it or rename it`
        : `another owner maps the resource ${resource} to this class; remove its spec.extendedResourceName`;
    const about = { ...regarding, ...(uid !== undefined && { uid }) };
    const event = { type: 'Warning', reason: 'DeviceClassTaken', action: 'Publish', regarding: about, note } as const;
    return { key: `class ${by} ${deviceClass} ${resource}`, event };
  });
}

/** Reported resources that match a glob of a policy, but get no class, because too many match. */
export interface LeftOutResources {
  /** The policy: `namespace/name`. */
  readonly policy: string;
  readonly uid?: string;
  readonly count: number;
  /** The first few names. */
  readonly examples: readonly string[];
}

/** Groups the resources by the policy whose glob matches them. */
export function groupByPolicy(
  resources: readonly string[],
  governing: Offers['governing'],
): readonly LeftOutResources[] {
  const owned = resources.flatMap((name) =>
    governing
      .of(name)
      .slice(0, 1)
      .map((policy) => ({ name, policy })),
  );
  return [...Map.groupBy(owned, ({ policy }) => policy)].map(([{ id, uid }, group]) => ({
    policy: id,
    ...(uid !== undefined && { uid }),
    count: group.length,
    examples: group.slice(0, 3).map(({ name }) => name),
  }));
}

/** Returns an event for each policy whose globs match more interfaces than can get a DeviceClass. */
export function leftOutClassEvents(leftOut: readonly LeftOutResources[]): readonly PersistentCondition[] {
  return leftOut.map(({ policy, uid, count, examples }) => {
    const names = examples.join(', ') + (count > examples.length ? ', …' : '');
    const limit = `globs match more than ${mostReported} interfaces, so ${count} of them have no DeviceClass (${names})`;
    const note = `${limit}; pods cannot request them from nodes that use DRA: name them in parentSelector, or narrow the globs`;
    const regarding = aboutPolicy(policy, uid);
    const event = { type: 'Warning', reason: 'DeviceClassesLeftOut', action: 'Publish', regarding, note } as const;
    return { key: `without class ${policy}`, event };
  });
}

/** Needed classes that the keeper does not create, because of other owners or of the limit. */
export interface BlockedClasses {
  readonly taken: readonly TakenClass[];
  readonly leftOut: readonly LeftOutResources[];
}

export const noneBlocked: BlockedClasses = { taken: [], leftOut: [] };
