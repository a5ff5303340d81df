// SPDX-License-Identifier: Apache-2.0
import { deviceClassOf } from '../../device/dra-names.ts';
import { isLegalResourceName } from '../../plan/resource.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { isOffered } from '../node-inventory.ts';
import { kubectl } from '../suggested-commands.ts';

/**
 * Checks that a DeviceClass maps each resource of a pod that is not scheduled. The rule applies if all nodes that offer
 * the resource use dynamic resource allocation. Without the class, the scheduler finds no node for the pod. The name of
 * the resource must be in a policy, or match a glob in a policy. Otherwise, the webhook creates no class.
 */
export const findDeviceClassMissing: CauseRule = (scope, facts) => {
  const { deviceClasses, nodeStates, policyNamespace, webhook } = facts;
  if (scope.pod === undefined || scope.pod.node !== undefined || deviceClasses === undefined) return [];
  return scope.demands.flatMap(({ resource, network }): readonly Cause[] => {
    const nodes = scope.nodes.filter((node) => isOffered(facts, node, resource)).map(({ name }) => name);
    const usesDra = (node: string) => nodeStates.get(node)?.status?.allocation === 'DRA';
    if (nodes.length === 0 || !nodes.every(usesDra) || !isLegalResourceName(resource)) return [];
    const { name } = deviceClassOf(resource);
    if (deviceClasses.has(name)) return [];
    const deployment = webhook === undefined || webhook === 'absent' ? 'DEPLOYMENT' : webhook.name;
    return [
      {
        code: 'DeviceClassMissing',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        nodes,
        detail: `the nodes use dynamic resource allocation, and there is no DeviceClass ${name}`,
        fix: {
          text: `write resourceName: ${resource} in a policy entry; if a policy has this name, see the log of the webhook`,
          commands: [kubectl('logs', `deployment/${deployment}`, '-n', policyNamespace)],
        },
      },
    ];
  });
};
