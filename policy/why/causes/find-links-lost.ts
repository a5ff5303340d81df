// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { recreatePod } from '../suggested-commands.ts';

/**
 * Checks that no pod lost its macvtap, together with the parent or without it. A running pod cannot get another
 * macvtap. The node reports only the number of lost devices. So a rule can be sure about a given pod in two cases: all
 * held devices lost their macvtap, or an event names the pod.
 */
export const findLinksLost: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ lost = 0, health }) => lost > 0 && health !== 'Unhealthy').map((found): Cause => {
    const { name, parent, held = 0, lost = 0 } = found.resource;
    const isSure = scope.pod === undefined || scope.pod.hasLostLink || lost >= held;
    return {
      code: 'LinksLost',
      isNote: !isSure,
      ...locateResource(found),
      detail: `${lost} of ${held} held devices of ${name} lost their macvtap: ${parent} was recreated, or the macvtap was deleted`,
      fix: {
        text: isSure ? 'recreate the pods that had a macvtap on it' : 'recreate the pod, if its network is gone',
        commands: scope.pod === undefined ? [] : [recreatePod(scope.pod)],
      },
    };
  });
