// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { devicesOn } from './free-devices.ts';
import { raiseQuantity } from './raise-quantity.ts';

/** Some node that the pod could run on has as many devices of the resource as it needs, were all of them free. */
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
        detail: `it needs ${count} of ${resource}, and no node has more than ${most}`,
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
