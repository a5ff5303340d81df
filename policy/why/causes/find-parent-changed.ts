// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { holdersOf } from '../node-inventory.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { deletePod } from '../suggested-commands.ts';

/**
 * Checks that no resource is waiting to move to another interface. A resource moves only after pods have released its
 * devices.
 */
export const findParentChanged: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Unhealthy' && code === 'ParentChanged').map(
    (found): Cause => {
      const { name, parent, held = 0 } = found.resource;
      const pods = holdersOf(name, found.nodes, facts);
      return {
        code: 'ParentChanged',
        isNote: false,
        ...locateResource(found),
        detail: `${name} stays on ${parent} for ${held} held devices, but the policy now finds another interface`,
        fix: {
          text: `bring ${parent} back, or delete the pods that hold devices, so that new pods get theirs on the new interface`,
          commands: pods.map(deletePod),
        },
      };
    },
  );
