// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { devicesOn } from '../scoped-findings.ts';
import { raiseQuantity } from '../suggested-commands.ts';

/** The maximum number of pods in a message. */
const mostPods = 5;

/** Checks that at least one node that offers the resource has enough free devices for the pod. */
export const findAllDevicesHeld: CauseRule = (scope, facts) => {
  if (scope.pod === undefined || scope.pod.node !== undefined) return [];
  return scope.demands.flatMap(({ resource, count, network }): readonly Cause[] => {
    const devices = devicesOn(scope, facts, resource);
    const most = Math.max(0, ...devices.map(({ all }) => all));
    if (devices.length === 0 || count > most || devices.some(({ free }) => free >= count)) return [];
    const nodes = devices.map(({ node }) => node);
    const pods = devices.flatMap(({ holders = [] }) => holders).map(({ pod }) => pod);
    const held = Math.max(...devices.map(({ all, free }) => all - free));
    const more = pods.length > mostPods ? `, and ${pods.length - mostPods} more` : '';
    return [
      {
        code: 'AllDevicesHeld',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        nodes,
        detail: `the pod needs ${count}, and no node has that many free${pods.length === 0 ? '' : `: held by ${pods.slice(0, mostPods).join(', ')}${more}`}`,
        fix: orDelete(raiseQuantity(resource, held + count, nodes, facts)),
      },
    ];
  });
};

function orDelete({ text, ...fix }: Fix): Fix {
  return { ...fix, text: `${text}, or delete a pod that holds one` };
}
