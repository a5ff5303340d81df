// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from '../cause.ts';
import { kubectl } from '../suggested-commands.ts';

/**
 * Finds an event that reports why a pod is not Ready. The rule quotes failures that no other rule covers, for example a
 * CNI plugin that does not exist. `explain` drops this cause if there is another one.
 */
export const findStartFailed: CauseRule = ({ pod }) => {
  if (pod?.said === undefined || pod.isReady || pod.phase === 'Succeeded') return [];
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
