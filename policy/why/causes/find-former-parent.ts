// SPDX-License-Identifier: Apache-2.0
import { resourcePrefix } from '../../plan/resource.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { nameSome } from '../node-scheduling.ts';
import { recreatePod } from '../suggested-commands.ts';

/**
 * Checks that the pod's devices have the current parent and mode of their resource. After an edit of a policy, pods
 * keep their previous devices until they end. Reads `heldElsewhere` of the node's state, which does not name pods. If
 * only some devices of the resource are on a former parent, it is unknown whether the pod holds one of them.
 */
export const findFormerParent: CauseRule = ({ pod, demands }, facts) => {
  if (pod?.node === undefined) return [];
  const { node } = pod;
  const resources = facts.nodeStates.get(node)?.status?.resources ?? [];
  return demands.flatMap(({ resource, network }): readonly Cause[] => {
    const { held = 0, heldElsewhere = [], parent, mode } = resources.find(({ name }) => name === resource) ?? {};
    if (heldElsewhere.length === 0) return [];
    const isSure = heldElsewhere.reduce((sum, place) => sum + place.held, 0) === held;
    const former = nameSome(heldElsewhere.map((place) => `${place.parent} ${place.mode}`));
    const now = parent === undefined ? '' : `; now ${resourcePrefix}${resource} uses ${parent} ${mode}`;
    return [
      {
        code: 'FormerParent',
        isNote: true,
        ...(network !== undefined && { network }),
        resource,
        nodes: [node],
        detail: `the pod ${isSure ? 'uses' : 'may use'} ${former}, from before an edit${now}`,
        fix: { text: 'none, if that is intended: otherwise recreate the pod', commands: [recreatePod(pod)] },
      },
    ];
  });
};
