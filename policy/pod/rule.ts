// SPDX-License-Identifier: Apache-2.0
import { type NadObject, resourceOfNad } from '../nad/read-nad.ts';
import type { Offers } from '../offers/offers.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { Verdict } from '../reasons.ts';
import { containersIn, networkKey } from './count-demand.ts';
import { type NetworkScope, readingOf, selectNetworks } from './parse-networks.ts';
import { type ClaimedDevices, devicesClaimedBy, type KnownClaims } from './read-claims.ts';
import type { NamedResource, PodObject } from './read-pod.ts';

/** A rule. Returns its verdicts about a pod. */
export type PodRule = (pod: PodObject, context: PodContext) => readonly Verdict[];

/** The facts that rules need in addition to the pod. */
export interface PodContext extends NetworkScope {
  /** The labels of the pod's namespace; undefined if they are unknown. */
  readonly namespaceLabels: Labels | undefined;
  /** Existing networks by `namespace/name`. Contains at least those that the pod names. */
  readonly networks: ReadonlyMap<string, NadObject>;
  readonly offers: Offers;
  /** The claims that the pod names. Absent if no node uses dynamic resource allocation. */
  readonly claims?: KnownClaims;
  /** The old pod, on an update. */
  readonly before?: PodObject;
}

/**
 * Returns each resource of this project that a pod names, without duplicates. A resource is named by the annotation of
 * a network, by a claim, or by a limit or request of any container. Init and ephemeral containers also count.
 *
 * If a network and a container name the same resource, the result has the path of the network. The webhook may have
 * added the container's limit without the knowledge of the pod's author.
 */
export function namedResources(pod: PodObject, context: PodContext): readonly NamedResource[] {
  const reading = readingOf(pod, context.memo);
  const { networks, claims, offers } = context;
  const { named } = reading;
  if (named?.networks === networks && named.claims === claims && named.offers === offers) return named.resources;
  const resources = nameResources(pod, context);
  reading.named = { networks, claims, offers, resources };
  return resources;
}

function nameResources(pod: PodObject, context: PodContext): readonly NamedResource[] {
  const asked = containersIn(pod, context).flatMap(({ asks }) =>
    asks.map(({ resource, path }) => ({ resource, path })),
  );
  const attached = selectNetworks(pod, context).flatMap(({ annotation, networks }) =>
    networks.map(networkKey).flatMap((network) => {
      const nad = context.networks.get(network);
      const resource = nad === undefined ? undefined : resourceOfNad(nad);
      return resource === undefined ? [] : [{ resource, path: `metadata.annotations[${annotation}]`, network }];
    }),
  );
  const first = new Map<string, NamedResource>();
  const claimed = claimedBy(pod, context).flatMap(({ resource, path }) =>
    resource === undefined ? [] : [{ resource, path }],
  );
  for (const named of [...attached, ...asked, ...claimed]) first.getOrInsert(named.resource, named);
  return [...first.values()];
}

/** Returns the beginning of a verdict's detail: `resource dataplane`, or `network vms/data with resource dataplane`. */
export function describeNamed({ resource, network }: NamedResource): string {
  return network === undefined ? `resource ${resource}` : `network ${network} with resource ${resource}`;
}

/** Returns the devices that a pod gets from claims, or by the name of a DeviceClass. */
export function claimedBy(pod: PodObject, { claims = new Map(), offers }: PodContext): readonly ClaimedDevices[] {
  return devicesClaimedBy(pod, claims, () => namesOf(offers));
}

/** Returns the resource names to which a hashed class name can refer. */
export function* namesOf(offers: Offers): Generator<string, void, void> {
  yield* offers.governing.names;
  yield* offers.resources;
}
