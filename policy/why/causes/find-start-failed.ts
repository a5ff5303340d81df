// SPDX-License-Identifier: Apache-2.0
import { devicesClaimedBy } from '../../pod/read-claims.ts';
import { namesOf } from '../../pod/rule.ts';
import type { CauseRule } from '../cause.ts';
import { kubectl } from '../suggested-commands.ts';

/**
 * Finds an event that reports why a pod is not Ready. The rule quotes failures that no other rule covers. Examples are
 * a CNI plugin that does not exist, and a claim whose CEL expressions select no device. `explain` drops this cause if
 * there is another one.
 */
export const findStartFailed: CauseRule = ({ pod, offers }, { claims }) => {
  if (pod?.said === undefined || pod.isReady || pod.phase === 'Succeeded') return [];
  const claimed = devicesClaimedBy(pod.object, claims ?? new Map(), () => namesOf(offers));
  if (pod.node === undefined && claimed.length > 0) {
    const text =
      'compare the CEL expressions and tolerations of the claim with the attributes and taints of the devices';
    const commands = [kubectl('get', 'resourceslices', '-o', 'yaml')];
    return [{ code: 'StartFailed', isNote: false, detail: pod.said, fix: { text, commands } }];
  }
  return [
    {
      code: 'StartFailed',
      isNote: false,
      detail: pod.said,
      fix: {
        text: 'fix what the event reports; its cause is not among those that this command knows',
        commands: [kubectl('describe', 'pod', pod.name, '-n', pod.namespace)],
      },
    },
  ];
};
