// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { quoteForShell } from '../suggested-commands.ts';

/** Checks that the parent has a carrier. Without one, pods reach at most other pods on the node. */
export const findNoCarrier: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Degraded' && code === 'NoCarrier').map(
    (found): Cause => {
      const { name, parent } = found.resource;
      return {
        code: 'NoCarrier',
        isNote: false,
        ...locateResource(found),
        detail: `${parent} below ${name} is up and has no carrier: no device answers at the other end of its cable`,
        fix: {
          text: `check the cable of ${parent} and the device at its other end`,
          onNode: [`ip -s link show ${quoteForShell(parent)}`],
          commands: [],
        },
      };
    },
  );
