// SPDX-License-Identifier: Apache-2.0
import { pardonKnown } from '../pardon-known.ts';
import { deny, type Verdict } from '../reasons.ts';
import { isBeingDeleted } from './default-policy.ts';
import { findShapeFault } from './find-shape-fault.ts';
import { isSameSpec } from './is-same-spec.ts';
import type { WarningContext } from './policy-warning.ts';
import { readAnyPolicy, shapeDetail } from './read-broken-policy.ts';
import { readPolicy } from './read-policy.ts';
import { reviewPolicy } from './review-policy.ts';
import type { PolicyObject, ReviewContext } from './rule.ts';
import { warnings } from './warnings.ts';

/** What is known beside the object when a policy is created or updated. */
export interface PolicyAdmissionContext extends ReviewContext, Omit<WarningContext, 'earlier'> {
  /** On UPDATE: the object as it was. */
  readonly before?: unknown;
}

/**
 * Judges a policy that is created or updated; takes any object.
 *
 * Faults refuse it, except those that an update finds already there: they stop nobody from mending something else, or
 * from changing labels and finalizers, and are warnings. An object that is being deleted always passes. What is legal
 * but may surprise is told of a policy without faults whenever what it says changes.
 */
export function reviewPolicyAdmission(object: unknown, context: PolicyAdmissionContext): readonly Verdict[] {
  if (isBeingDeleted(object)) return [];
  const { before } = context;
  const isUntouched = before !== undefined && isSameSpec(object, before);
  const found = faultsOf(object, context);
  const faults = isUntouched
    ? found.map((verdict) => ({ ...verdict, severity: 'warn' }) as const)
    : pardonKnown(found, before === undefined ? [] : faultsOf(before, context));
  if (isUntouched || faults.length > 0) return faults;
  const policy = readPolicy(object as PolicyObject, context);
  const told = { ...context, ...(before !== undefined && { earlier: readAnyPolicy(before, context) }) };
  return warnings.flatMap(({ warning }) => warning(policy, told));
}

/** What refuses a policy; takes any object. */
export function faultsOf(object: unknown, context: ReviewContext): readonly Verdict[] {
  const path = findShapeFault(object);
  return path === undefined ? reviewPolicy(object as PolicyObject, context) : [deny('SchemaFault', path, shapeDetail)];
}
