// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { quoteForShell } from './kubectl.ts';
import { listResources, wayTo } from './list-resources.ts';

/** The interface below has a carrier. Without one, pods of the node reach each other and nobody else. */
export const findNoCarrier: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Degraded' && code === 'NoCarrier').map(
    (found): Cause => {
      const { name, parent } = found.resource;
      return {
        code: 'NoCarrier',
        isNote: false,
        ...wayTo(found),
        detail: `${parent} below ${name} is up and has no carrier: nobody is at the other end of its cable`,
        fix: {
          text: `look after the cable of ${parent}, and what it leads to`,
          onNode: [`ip -s link show ${quoteForShell(parent)}`],
          commands: [],
        },
      };
    },
  );
