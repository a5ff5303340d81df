// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { holdersOf } from './holders-of.ts';
import { deletePod } from './kubectl.ts';
import { listResources, wayTo } from './list-resources.ts';

/** A resource does not move to another interface while pods hold devices on the one before: they were promised together. */
export const findParentChanged: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Unhealthy' && code === 'ParentChanged').map(
    (found): Cause => {
      const { name, parent, held = 0 } = found.resource;
      const pods = holdersOf(name, found.nodes, facts);
      return {
        code: 'ParentChanged',
        isNote: false,
        ...wayTo(found),
        detail: `${name} stands on ${parent} for ${held} held devices, and the policy finds another interface now`,
        fix: {
          text: `bring ${parent} back, or delete the pods that hold devices, whose next ones get theirs on the new one`,
          commands: pods.map(deletePod),
        },
      };
    },
  );
