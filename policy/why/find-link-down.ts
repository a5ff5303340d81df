// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { quoteForShell } from './kubectl.ts';
import { listResources, wayTo } from './list-resources.ts';

/** The interface below is up. Devices are given out all the same, and pass no frame. */
export const findLinkDown: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Degraded' && code === 'LinkDown').map(
    (found): Cause => {
      const { name, parent } = found.resource;
      return {
        code: 'LinkDown',
        isNote: false,
        ...wayTo(found),
        detail: `${parent} below ${name} is administratively down, so that no frame passes`,
        fix: { text: `set ${parent} up`, onNode: [`ip link set ${quoteForShell(parent)} up`], commands: [] },
      };
    },
  );
