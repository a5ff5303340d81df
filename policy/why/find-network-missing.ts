// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../nearest-names.ts';
import { networksAnnotation } from '../pod/parse-networks.ts';
import { annotationOf } from '../pod/read-pod.ts';
import type { Cause, CauseRule } from './cause.ts';
import { kubectl, placeOf } from './kubectl.ts';
import { recreatePod } from './recreate-pod.ts';
import type { PodStanding } from './why-facts.ts';

/** The networks that a pod names exist. Multus refuses the pod until they do; its device it only gets when it is made. */
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
      const others = elsewhere.length === 0 ? '' : `; there is one of that name in ${elsewhere.slice(0, 3).join(', ')}`;
      return {
        code: 'NetworkMissing',
        isNote: false,
        network: key,
        detail: `namespace ${namespace} has no such network${meant}${others}`,
        fix: fixFor(pod, name, namespace, near),
      };
    });
};

function fixFor(pod: PodStanding, name: string, namespace: string, near: string | undefined): Cause['fix'] {
  if (near !== undefined && pod.owner === undefined) {
    return {
      text: `make the pod anew with network ${near}`,
      commands: [recreatePod(pod, { annotation: `${networksAnnotation}=${renamed(pod, name, near)}` })],
    };
  }
  const text =
    near === undefined
      ? 'make the network first, then the pod anew'
      : `name network ${near} in what makes the pod, ${pod.owner?.kind} ${pod.owner?.name}; or make the network, then the pod anew`;
  return { text, commands: [kubectl('get', 'network-attachment-definitions', '-n', namespace), recreatePod(pod)] };
}

/** The annotation as it is, in either syntax, with another name for the network. */
function renamed({ object }: PodStanding, name: string, near: string): string {
  const text = annotationOf(object, networksAnnotation) ?? '';
  const word = name.replaceAll('.', '\\.');
  return text.replaceAll(new RegExp(`(?<![\\w.-])${word}(?![\\w.-])`, 'g'), near);
}
