// SPDX-License-Identifier: Apache-2.0
import type { PolicyWarning } from './policy-warning.ts';
import { warnEveryNode } from './warn-every-node.ts';
import { warnLostNamespaces } from './warn-lost-namespaces.ts';
import { warnOverlap } from './warn-overlap.ts';
import { warnParentNames } from './warn-parent-names.ts';
import { warnShadowedEntries } from './warn-shadowed-entries.ts';

/** What a sound policy is told of, in the order in which it is told. Each has a test beside it. */
export const warnings = [
  { name: 'warn-every-node', warning: warnEveryNode },
  { name: 'warn-lost-namespaces', warning: warnLostNamespaces },
  { name: 'warn-parent-names', warning: warnParentNames },
  { name: 'warn-shadowed-entries', warning: warnShadowedEntries },
  { name: 'warn-overlap', warning: warnOverlap },
] as const satisfies readonly { name: string; warning: PolicyWarning }[];
