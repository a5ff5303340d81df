// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { listResources, wayTo } from './list-resources.ts';
import { recreatePod } from './recreate-pod.ts';

/**
 * No pod has lost its link with a parent that went and came back: nobody can give a running pod another one. The node says
 * of how many devices that is so, and not which, so a pod is sure to be among them only when it is all, or an event says so.
 */
export const findLinksLost: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ lost = 0, health }) => lost > 0 && health !== 'Unhealthy').map((found): Cause => {
    const { name, parent, held = 0, lost = 0 } = found.resource;
    const isSure = scope.pod === undefined || scope.pod.hasLostLink || lost >= held;
    return {
      code: 'LinksLost',
      isNote: !isSure,
      ...wayTo(found),
      detail: `${parent} below ${name} was made anew, and ${lost} of ${held} held devices lost their link with the one before`,
      fix: {
        text: `make anew ${isSure ? 'what had a macvtap on it' : 'the pod, if its network is gone'}`,
        commands: scope.pod === undefined ? [] : [recreatePod(scope.pod)],
      },
    };
  });
