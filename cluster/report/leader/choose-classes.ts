// SPDX-License-Identifier: Apache-2.0
import { ownValue } from '../../../policy/json.ts';
import { compareNatural } from '../../../policy/names.ts';
import { decideClassed } from '../../../policy/offers/declared-sources.ts';
import type { Offers } from '../../../policy/offers/offers.ts';
import type { ExplicitConfig } from '../../../policy/plan/from-explicit.ts';
import type { ApiObject } from '../../api/api-resource.ts';

/**
 * The limit of resources whose names come from interfaces that nodes report. A malicious node could report thousands of
 * interfaces that match a glob.
 */
export const mostReported = 256;

/** The resources that get a DeviceClass. */
export interface ClassedResources {
  /** Resources that policies and the explicit configuration name, sorted. */
  readonly named: readonly string[];
  /** Resources that nodes report and that match a glob in a policy, highest rank first: at most `mostReported`. */
  readonly reported: readonly string[];
  /** Further reported resources, which exceed `mostReported`. Highest rank first. */
  readonly leftOut: readonly string[];
}

/**
 * Returns the resources that get a DeviceClass. Only policies and the explicit configuration decide: the resources that
 * they name, and reported resources that match a glob in a policy. Of the latter, those that most nodes report come
 * first, up to a limit. So a node that reports many names cannot displace a name that several nodes report.
 *
 * A resource with a class gives way only to one that at least twice as many nodes report. Otherwise, classes would be
 * replaced whenever a few nodes join or leave.
 */
export function resourcesWithClass(
  { governing, resources, ofResource }: Pick<Offers, 'governing' | 'resources' | 'ofResource'>,
  explicit: ExplicitConfig | undefined,
  hasClass: (resource: string) => boolean,
): ClassedResources {
  const { named, isMatched } = decideClassed(governing, explicit);
  const ranked = resources
    .filter(isMatched)
    .map((resource) => {
      // A node's state has each name at most once, so a node adds at most 1.
      const count = ofResource(resource).reduce((sum, { nodes }) => sum + nodes, 0);
      return { resource, weight: hasClass(resource) ? Math.max(1, 2 * count) - 0.5 : count };
    })
    .sort((left, right) => right.weight - left.weight || compareNatural(left.resource, right.resource))
    .map(({ resource }) => resource);
  return {
    named,
    reported: ranked.slice(0, mostReported),
    leftOut: ranked.slice(mostReported),
  };
}

/** The labels of the project's classes. A class without them has another owner, and is never changed. */
export const classLabels = {
  'app.kubernetes.io/managed-by': 'kube-macvtap',
  'app.kubernetes.io/part-of': 'kube-macvtap',
} as const;

export function isOwn(found: ApiObject | undefined): boolean {
  return Object.entries(classLabels).every(([key, value]) => ownValue(found?.metadata.labels, key) === value);
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

/** Needed classes that the keeper does not create, because of other owners or of the limit. */
export interface BlockedClasses {
  readonly taken: readonly TakenClass[];
  readonly leftOut: readonly LeftOutResources[];
}

export const noneBlocked: BlockedClasses = { taken: [], leftOut: [] };
