// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { devicesOn } from '../scoped-findings.ts';
import { raiseQuantity } from '../suggested-commands.ts';

/** Checks that at least one of the pod's possible nodes has enough devices of the resource, whether free or held. */
export const findTooManyDevices: CauseRule = (scope, facts) => {
  if (scope.pod === undefined || scope.pod.node !== undefined) return [];
  return scope.demands.flatMap(({ resource, count, network }): readonly Cause[] => {
    const devices = devicesOn(scope, facts, resource);
    const most = Math.max(0, ...devices.map(({ all }) => all));
    if (devices.length === 0 || count <= most) return [];
    return [
      {
        code: 'TooManyDevices',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        nodes: devices.map(({ node }) => node),
        detail: `the pod needs ${count} of ${resource}, but no node has more than ${most}`,
        fix: raiseQuantity(
          resource,
          count,
          devices.map(({ node }) => node),
          facts,
        ),
      },
    ];
  });
};
