// SPDX-License-Identifier: Apache-2.0
import { type NadObject, resourceOfNad } from '../nad/read-nad.ts';
import type { Offers } from '../offers/offers.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { Verdict } from '../reasons.ts';
import { containersIn, networkKey } from './count-demand.ts';
import { type NetworkScope, readingOf, selectNetworks } from './parse-networks.ts';
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
  /** The old pod, on an update. */
  readonly before?: PodObject;
}

/**
 * Returns each resource of this project that a pod names, without duplicates. A resource is named by the annotation of
 * a network, or by a limit or request of any container, including init and ephemeral ones.
 *
 * If a network and a container name the same resource, the result has the path of the network. The webhook may have
 * added the container's limit without the knowledge of the pod's author.
 */
export function namedResources(pod: PodObject, context: PodContext): readonly NamedResource[] {
  const reading = readingOf(pod, context.memo);
  if (reading.named?.networks === context.networks) return reading.named.resources;
  const resources = nameResources(pod, context);
  reading.named = { networks: context.networks, resources };
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
  for (const named of [...attached, ...asked]) first.getOrInsert(named.resource, named);
  return [...first.values()];
}

/** Returns the beginning of a verdict's detail: `resource dataplane`, or `network vms/data with resource dataplane`. */
export function describeNamed({ resource, network }: NamedResource): string {
  return network === undefined ? `resource ${resource}` : `network ${network} with resource ${resource}`;
}
