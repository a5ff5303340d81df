// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../../names.ts';
import { networksAnnotation } from '../../pod/parse-networks.ts';
import { annotationOf } from '../../pod/read-pod.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { kubectl, placeOf, recreatePod } from '../suggested-commands.ts';
import type { PodSummary } from '../why-facts.ts';

/**
 * Checks that the pod's networks exist. Multus rejects the pod until they do. The pod must then be recreated, because
 * the webhook adds the request for a device only when a pod is created.
 */
export const findNetworkMissing: CauseRule = ({ pod, networks }, facts) => {
  if (pod === undefined || pod.isReady || facts.unread.has('NetworkAttachmentDefinitions')) return [];
  return networks
    .filter(({ exists }) => !exists)
    .map(({ key }): Cause => {
      const [name, , namespace] = placeOf(key);
      const names = [...facts.networks.keys()].map((other) => placeOf(other));
      const [near] = nearestNames(
        name,
        names.filter(([, , space]) => space === namespace).map(([other]) => other),
      );
      const elsewhere = names.filter(([other]) => other === name).map(([, , space]) => space);
      const meant = near === undefined ? '' : `; did you mean ${near}?`;
      const others = elsewhere.length === 0 ? '' : `; a network of that name is in ${elsewhere.slice(0, 3).join(', ')}`;
      return {
        code: 'NetworkMissing',
        isNote: false,
        network: key,
        detail: `namespace ${namespace} has no such network${meant}${others}`,
        fix: fixFor(pod, name, namespace, near),
      };
    });
};

function fixFor(pod: PodSummary, name: string, namespace: string, near: string | undefined): Cause['fix'] {
  if (near !== undefined && pod.owner === undefined) {
    return {
      text: `recreate the pod with network ${near}`,
      commands: [recreatePod(pod, { annotation: `${networksAnnotation}=${renamed(pod, name, near)}` })],
    };
  }
  const text =
    near === undefined
      ? 'create the network, then recreate the pod'
      : `name network ${near} in the pod's ${pod.owner?.kind} ${pod.owner?.name}; or create the network, then recreate the pod`;
  return { text, commands: [kubectl('get', 'network-attachment-definitions', '-n', namespace), recreatePod(pod)] };
}

/** Returns the annotation with the network renamed, in either syntax. */
function renamed({ object }: PodSummary, name: string, near: string): string {
  const text = annotationOf(object, networksAnnotation) ?? '';
  const word = name.replaceAll('.', '\\.');
  return text.replaceAll(new RegExp(`(?<![\\w.-])${word}(?![\\w.-])`, 'g'), near);
}
