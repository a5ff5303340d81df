// SPDX-License-Identifier: Apache-2.0
import { checkFieldRequirements } from './check-field-requirements.ts';
import { checkGlobs } from './check-globs.ts';
import { checkLabels } from './check-labels.ts';
import { checkNamespace } from './check-namespace.ts';
import { checkParent } from './check-parent.ts';
import { checkQuantity } from './check-quantity.ts';
import { checkRequirements } from './check-requirements.ts';
import { checkResourceNames } from './check-resource-names.ts';
import type { PolicyRule } from './rule.ts';

/** The rules of a policy, in the order in which their verdicts are told. Each is fed by test/fixtures/nodepolicy/<name>. */
export const rules = [
  { name: 'check-namespace', rule: checkNamespace },
  { name: 'check-parent', rule: checkParent },
  { name: 'check-resource-names', rule: checkResourceNames },
  { name: 'check-quantity', rule: checkQuantity },
  { name: 'check-globs', rule: checkGlobs },
  { name: 'check-labels', rule: checkLabels },
  { name: 'check-requirements', rule: checkRequirements },
  { name: 'check-field-requirements', rule: checkFieldRequirements },
] as const satisfies readonly { name: string; rule: PolicyRule }[];
