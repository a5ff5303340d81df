// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { isCordoned, untolerated } from '../node-scheduling.ts';
import { devicesOn } from '../scoped-findings.ts';
import { kubectl } from '../suggested-commands.ts';

/**
 * Checks that a node with free devices accepts new pods. A cordoned or drained node does not, and the scheduler reports
 * only the number of unschedulable nodes. For a pod, this is a cause only if all other nodes that offer the resource
 * are full.
 */
export const findNodeUnschedulable: CauseRule = (scope, facts) => {
  const { subject, pod, nodes, demands } = scope;
  const tolerations = pod?.tolerations ?? [];
  const cordoned = nodes.filter(({ taints }) => isCordoned(untolerated(taints, tolerations))).map(({ name }) => name);
  if (cordoned.length === 0) return [];
  if (subject.kind === 'node') return [{ ...cause(cordoned), nodes: cordoned }];
  if (pod === undefined || pod.node !== undefined) return [];
  return demands.flatMap(({ resource, count, network }): readonly Cause[] => {
    const free = devicesOn(scope, facts, resource).filter((devices) => devices.free >= count);
    const waiting = free.map(({ node }) => node);
    if (waiting.length === 0 || !waiting.every((node) => cordoned.includes(node))) return [];
    return [{ ...cause(waiting), ...(network !== undefined && { network }), resource, nodes: waiting }];
  });
};

function cause(names: readonly string[]): Pick<Cause, 'code' | 'isNote' | 'detail' | 'fix'> {
  const [first = ''] = names;
  const fix: Fix =
    names.length === 1
      ? { text: 'uncordon the node', commands: [kubectl('uncordon', first)] }
      : { text: 'uncordon one of the nodes', commands: [kubectl('uncordon', first)] };
  const what = names.length === 1 ? 'the node is cordoned' : 'these nodes are cordoned';
  return {
    code: 'NodeUnschedulable',
    isNote: false,
    detail: `${what} (kubectl cordon or kubectl drain): no new pods are scheduled there`,
    fix,
  };
}
