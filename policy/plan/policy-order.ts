// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { compareText } from './natural-order.ts';

/** Who wins between two policies: the lower priority, then the older one, then the name. Total, since IDs are unique. */
export function comparePolicies(left: Policy, right: Policy): number {
  return (
    left.priority - right.priority || compareNumbers(left.createdMs, right.createdMs) || compareText(left.id, right.id)
  );
}

/** Infinity minus itself would be no order. */
function compareNumbers(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
