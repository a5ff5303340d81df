// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { quoteForShell } from '../suggested-commands.ts';

/** Checks that the parent is up. If it is down, pods still get devices, but these pass no frames. */
export const findLinkDown: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Degraded' && code === 'LinkDown').map(
    (found): Cause => {
      const { name, parent } = found.resource;
      return {
        code: 'LinkDown',
        isNote: false,
        ...locateResource(found),
        detail: `${parent} below ${name} is administratively down and passes no frames`,
        fix: { text: `set ${parent} up`, onNode: [`ip link set ${quoteForShell(parent)} up`], commands: [] },
      };
    },
  );
