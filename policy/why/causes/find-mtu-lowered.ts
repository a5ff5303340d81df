// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { recreatePod } from '../suggested-commands.ts';

/**
 * Checks that the MTU of no pod's macvtap was lowered together with the MTU of its parent. The kernel does not raise it
 * again, so only a new macvtap has the former MTU. The node reports only the number of such macvtaps. So it is certain
 * that a given pod has one only if all held devices have, or if an event names the pod.
 */
export const findMtuLowered: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ mtuLowered = 0 }) => mtuLowered > 0).map((found): Cause => {
    const { name, parent, held = 0, mtuLowered = 0 } = found.resource;
    const isSure = scope.pod === undefined || scope.pod.hasLoweredMTU || mtuLowered >= held;
    return {
      code: 'MtuLowered',
      isNote: !isSure,
      ...locateResource(found),
      detail: `the MTU of ${parent} was lowered, and the macvtaps of ${mtuLowered} of ${held} held devices of ${name} keep it`,
      fix: {
        text: `raise the MTU of ${parent} again, then recreate the pods that have the event MtuLowered`,
        commands: scope.pod === undefined ? [] : [recreatePod(scope.pod)],
      },
    };
  });
