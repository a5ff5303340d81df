// SPDX-License-Identifier: Apache-2.0
import { compareText } from '../names.ts';
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import { comparePolicies } from '../plan/from-policies.ts';
import { type Labels, matchLabels, type Requirement } from '../plan/match-labels.ts';
import type { NicMatcher } from '../plan/match-nic.ts';
import type { PlannedResource } from '../plan/node-plan.ts';
import { lowerInName, namedParent } from '../plan/vlan.ts';

/**
 * Returns the policies whose namespaceSelector decides who may use a resource, in order of precedence. Only policies
 * determine the result: a node's report cannot add or remove a policy.
 *
 * A policy governs a resource if one of its entries can produce the resource's name:
 *
 * - the entry, or the policy, has the name as its `resourceName`;
 * - the entry has no resource name, and its `parentIface` or one of the globs in `nicSelector.names` matches the name.
 *   If the entry has `vlan: 100`, the part of the name before `.100` must match.
 *
 * Some entries without a resource name produce names that depend on the node: their selector has no `names`, or they
 * find an interface by an altname. For these names, the node plugin checks the namespace before it attaches a pod.
 *
 * @example policiesGoverning(policies, 'dataplane')
 */
export function policiesGoverning(policies: Iterable<Policy>, resource: string): readonly Policy[] {
  return [...policies]
    .filter(({ faults, entries }) => faults.length === 0 && entries.some((entry) => canName(entry, resource)))
    .sort(comparePolicies);
}

/** The policies that govern resources, indexed for one set of policies. */
export interface Governing {
  /** Returns the same policies as policiesGoverning. */
  of(resource: string): readonly Policy[];
  /** The resource names in policies, sorted. */
  readonly names: readonly string[];
  /**
   * Policies that have an entry with a `nicSelector` and no resource name. Such an entry can produce further names,
   * which depend on the node.
   */
  readonly selecting: readonly Policy[];
  /** How many entries each call of `of` compares, in addition to one look-up by name. */
  readonly compared: number;
  /**
   * Returns the look-up for only those policies for which `keep` returns true. It costs one call of `keep` for each
   * policy with globs, because every review of a pod makes one. `names` is a method, not a getter, because V8 stores a
   * getter in the hidden class of its object. It would keep the reviewed pod until it collects the whole heap.
   */
  where(
    keep: (policy: Policy) => boolean,
  ): Pick<Governing, 'of' | 'compared'> & { readonly names: () => readonly string[] };
}

/** Indexes policies by the names in them. Only entries with globs for interface names are compared at each look-up. */
export function indexGoverning(policies: Iterable<Policy>): Governing {
  const valid = [...policies].filter(({ faults }) => faults.length === 0).sort(comparePolicies);
  const byName = new Map<string, Policy[]>();
  for (const policy of valid) {
    for (const name of namesIn(policy)) byName.getOrInsertComputed(name, () => []).push(policy);
  }
  const names = [...byName.keys()].sort(compareText);
  const globbed = valid.filter(({ entries }) => entries.some(hasGlobs));
  return {
    of: (resource) => governing(resource, byName.get(resource) ?? [], globbed),
    names,
    selecting: valid.filter(({ entries }) => entries.some(isSelecting)),
    compared: countGlobs(globbed),
    where(keep) {
      const kept = globbed.filter(keep);
      return {
        of: (resource) => governing(resource, (byName.get(resource) ?? []).filter(keep), kept),
        names: () => names.filter((name) => byName.get(name)?.some(keep)),
        compared: countGlobs(kept),
      };
    },
  };
}

/** Returns the policies that govern a resource: those that name it, and those of `globbed` whose globs match it. */
function governing(resource: string, named: readonly Policy[], globbed: readonly Policy[]): readonly Policy[] {
  if (globbed.length === 0) return named;
  const matching = globbed.filter(({ entries }) => entries.some((entry) => canName(entry, resource)));
  return matching.length === 0 ? named : [...new Set([...named, ...matching])].sort(comparePolicies);
}

function countGlobs(policies: readonly Policy[]): number {
  return policies.reduce((sum, { entries }) => sum + entries.filter(hasGlobs).length, 0);
}

/** Returns the resource names in a policy: each `resourceName`, and the interface of each entry without one. */
export function namesIn({ entries }: Policy): ReadonlySet<string> {
  const names = entries.map((entry) => entry.resourceName ?? namedParent(entry));
  return new Set(names.filter((name) => name !== undefined));
}

function isSelecting({ resourceName, parent }: PolicyEntry): boolean {
  return resourceName === undefined && 'matcher' in parent;
}

function hasGlobs({ resourceName, parent }: PolicyEntry): boolean {
  return resourceName === undefined && 'matcher' in parent && parent.matcher.names !== undefined;
}

function canName(entry: PolicyEntry, resource: string): boolean {
  const { resourceName, parent, vlan } = entry;
  if (resourceName !== undefined) return resourceName === resource;
  if ('name' in parent) return namedParent(entry) === resource;
  const lower = vlan === undefined ? resource : lowerInName(resource, vlan);
  return lower !== undefined && selectsByName(parent.matcher, lower);
}

function selectsByName({ names, exclude }: NicMatcher, name: string): boolean {
  if (names === undefined || !matchesAny(names, name)) return false;
  // If `exclude` contains only names, an interface with a matching name is always excluded. Other exclusions depend on
  // the interface.
  const excludesByNameOnly = exclude?.names !== undefined && Object.keys(exclude).length === 1;
  return !(excludesByNameOnly && matchesAny(exclude.names, name));
}

function matchesAny(globs: NonNullable<NicMatcher['names']>, text: string): boolean {
  return globs.some((glob) => 'matches' in glob && glob.matches(text));
}

/**
 * A namespaceSelector that a pod's namespace must match before the pod may use a device.
 *
 * @example { policy: 'macvtap-cni/tenant-a', namespaces: [{ key: 'team', operator: 'In', values: ['a'] }] }
 */
export interface Restriction {
  /** `namespace/name`. */
  readonly policy: string;
  /** The requirements of the selector; there is at least one, and all must be met. */
  readonly namespaces: readonly Requirement[];
}

/** The facts about a device that decide who may use it. */
export interface RestrictedDevice {
  readonly resource: string;
  /** The interface that carries the device. */
  readonly parent: string;
  /** The selector of the policy that offered the resource when the device was allocated; absent if it had none. */
  readonly restriction?: Restriction;
}

/** The current policies, and the device's resource in the node's current plan. */
export interface RestrictionSources {
  readonly policies: readonly Policy[];
  /** The device's resource in the node's plan; undefined if the plan no longer has it. */
  readonly planned: PlannedResource | undefined;
}

/** Returns the namespaceSelector of a policy, or undefined if the policy admits every namespace. */
export function restrictionBy({ id, namespaces }: Policy): Restriction | undefined {
  return namespaces.length === 0 ? undefined : { policy: id, namespaces };
}

/**
 * Returns the selectors that a pod's namespace must match before the pod may use a device. The namespace must match all
 * of them:
 *
 * - the selectors of all policies that govern the resource by its name, on any node, as in the webhook;
 * - the selector of the policy that offers the resource on this node. Its text does not always contain the resource's
 *   name: an entry without a resource name names the resource after an interface of the node;
 * - the selector of the policy that offered the resource when the device was allocated. If that policy still offers the
 *   resource on the same parent, its current selector applies. Otherwise the selector from allocation also applies. So
 *   if the policy moves to another interface, a looser selector does not admit more namespaces to the device on the old
 *   one.
 *
 * An empty result admits every namespace.
 */
export function restrictionsOn(
  { resource, parent, restriction }: RestrictedDevice,
  { policies, planned }: RestrictionSources,
): readonly Restriction[] {
  // Policies without a namespaceSelector are removed first, to save work: every attachment calls this function, and in
  // most clusters no policy has one.
  const restricting = policies.filter(({ namespaces }) => namespaces.length > 0);
  const offering = restricting.filter(({ id }) => id === planned?.policy);
  const governing = restricting.length === 0 ? [] : policiesGoverning(restricting, resource);
  const inForce = [...new Set([...offering, ...governing])].flatMap((policy) => restrictionBy(policy) ?? []);
  if (restriction === undefined) return inForce;
  // If planning fails, the last plan remains, and it may name a deleted policy.
  const stillOffers = planned?.policy === restriction.policy && policies.some(({ id }) => id === restriction.policy);
  return stillOffers && planned.parent === parent ? inForce : [...inForce, restriction];
}

/**
 * Returns whether a policy's namespaceSelector admits a namespace with these labels. An absent or empty selector admits
 * every namespace. If the labels are unknown, any other selector rejects the namespace.
 */
export function admits({ namespaces }: Pick<Policy, 'namespaces'>, labels: Labels | undefined): boolean {
  return namespaces.length === 0 || (labels !== undefined && matchLabels(labels, namespaces));
}

/** Formats a selector in kubectl's syntax: `vms=true,stage notin (dev,test),team,!legacy`. */
export function describeRequirements(requirements: readonly Requirement[]): string {
  return requirements.map(describeRequirement).join(',');
}

function describeRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values.join(',')}`;
    case 'Lt':
      return `${key}<${values.join(',')}`;
  }
}
