// SPDX-License-Identifier: Apache-2.0
import { shorten } from '../json.ts';
import { type NadObject, readNad, resourceAnnotation, resourceOfNad } from '../nad/read-nad.ts';
import { warnBriefly } from '../nodepolicy/warning.ts';
import { type Verdict, warn } from '../reasons.ts';
import { networkKey } from './count-demand.ts';
import { type NetworkRef, type NetworkSelection, selectNetworks } from './parse-networks.ts';
import type { PodObject } from './read-pod.ts';
import type { PodContext, PodRule } from './rule.ts';

/** The maximum number of networks of an annotation to report. A person fixes them one by one. */
const maxNamed = 10;

/**
 * Checks that the networks that a pod names can be attached. Emits only warnings, in these cases:
 *
 * - Multus cannot read an annotation. If one item is invalid, Multus rejects the whole pod. A later version of Multus
 *   may accept more.
 * - A network does not exist. Multus rejects the pod until the network exists. Even then the pod lacks devices, because
 *   they are added only when a pod is created.
 * - A macvtap network does not name its resource. Multus passes no device, and the attachment fails. The webhook adds
 *   the missing annotation to a new network if it can determine the resource. After the network is fixed, existing pods
 *   must be recreated.
 *
 * Reads k8s.v1.cni.cncf.io/networks, v1.multus-cni.io/default-network, spec.hostNetwork, and the networks that they
 * name. Emits NetworksUnreadable once for each annotation. Emits NetworkMissing and NotInjected for the first ten
 * networks of each annotation.
 */
export const checkNetworks: PodRule = (pod, context) => {
  const selections = selectNetworks(pod, context);
  return [
    ...selections.flatMap(findUnreadable),
    ...selections.flatMap((selection) => findMissing(selection, context)),
    ...selections.flatMap((selection) => findBare(selection, context)),
  ];
};

/**
 * Returns whether any network of a pod may concern this project. If not, no device is injected, and all rules about
 * networks pass. Most pods with networks of other vendors need only this check.
 *
 * A network concerns this project if it is unknown, names a resource, or should name one. So does an annotation that
 * Multus rejects. Of an annotation with ambiguous keys, the networks of all readers count.
 */
export function mayAttach(pod: PodObject, context: PodContext): boolean {
  const isOurs = (network: NetworkRef): boolean => {
    const nad = context.networks.get(networkKey(network));
    return nad === undefined || resourceOfNad(nad) !== undefined || hasNoResource(nad);
  };
  return selectNetworks(pod, context).some(
    ({ faults, networks, ambiguity }) =>
      faults.length > 0 || networks.some(isOurs) || ambiguity?.otherwise.some(isOurs) === true,
  );
}

/** Returns whether a network is a macvtap network that does not name its resource. */
export function hasNoResource(nad: NadObject): boolean {
  if (resourceOfNad(nad) !== undefined) return false;
  const facts = readNad(nad);
  return facts !== undefined && facts.plugins.length > 0;
}

function findUnreadable({ annotation, faults }: NetworkSelection): readonly Verdict[] {
  const [first, ...others] = faults;
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return [warn('NetworksUnreadable', pathOf(annotation), `${first}${more}`)];
}

function findMissing({ annotation, networks }: NetworkSelection, known: PodContext): readonly Verdict[] {
  const missing = new Set(networks.map(networkKey).filter((key) => !known.networks.has(key)));
  return [...missing]
    .slice(0, maxNamed)
    .map((key) => warn('NetworkMissing', pathOf(annotation), `network ${shorten(key)}`));
}

function findBare({ annotation, networks }: NetworkSelection, known: PodContext): readonly Verdict[] {
  const isBare = (key: string): boolean => {
    const nad = known.networks.get(key);
    return nad !== undefined && hasNoResource(nad);
  };
  const bare = new Set(networks.map(networkKey).filter(isBare));
  return [...bare]
    .slice(0, maxNamed)
    .map((key) => warnBriefly('NotInjected', pathOf(annotation), `write ${resourceAnnotation} on network ${key}`));
}

function pathOf(annotation: string): string {
  return `metadata.annotations[${annotation}]`;
}
