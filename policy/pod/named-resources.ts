// SPDX-License-Identifier: Apache-2.0
import { resourceOfNad } from '../nad/read-nad.ts';
import { networkKey } from './count-demand.ts';
import { selectNetworks } from './parse-networks.ts';
import type { PodContext } from './pod-context.ts';
import { containersOf, type PodObject } from './read-pod.ts';

/** A resource of ours that a pod names, with the first place where it does. */
export interface NamedResource {
  /** Without the prefix. */
  readonly resource: string;
  readonly path: string;
  /** `namespace/name` of the network by which it is named; absent where a container asks for it. */
  readonly network?: string;
}

/**
 * Each resource of ours that a pod names, once: by a network whose annotation asks for it, or by a limit or request of any
 * container, init and ephemeral ones too. Networks come first: what they need was perhaps written into a container by the
 * webhook, where nobody who wrote the pod would look for it.
 */
export function namedResources(pod: PodObject, context: PodContext): readonly NamedResource[] {
  const asked = containersOf(pod).flatMap(({ asks }) => asks.map(({ resource, path }) => ({ resource, path })));
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

/** `resource dataplane`, `network vms/data with resource dataplane`: what a verdict begins with. */
export function describeNamed({ resource, network }: NamedResource): string {
  return network === undefined ? `resource ${resource}` : `network ${network} with resource ${resource}`;
}
