// SPDX-License-Identifier: Apache-2.0
import { downgradeExistingErrors } from '../downgrade-existing-errors.ts';
import { isJsonObject } from '../json.ts';
import { deny, type Verdict } from '../reasons.ts';
import { isBeingDeleted } from './default-policy.ts';
import { findShapeFault } from './find-shape-fault.ts';
import { readAnyPolicy, readPolicy, shapeDetail } from './read-policy.ts';
import type { PolicyObject, ReviewContext } from './rule.ts';
import { reviewPolicy } from './rules.ts';
import { warnEntries } from './warn-entries.ts';
import { warnEveryNode } from './warn-every-node.ts';
import { warnLostNamespaces } from './warn-lost-namespaces.ts';
import { warnOverlap } from './warn-overlap.ts';
import { warnUnknownInterface } from './warn-unknown-interface.ts';
import { warnVlanParent } from './warn-vlan-parent.ts';
import type { PolicyWarning, PolicyWarningContext } from './warning.ts';

/** All warnings about a valid policy, in the order in which they appear. Each has a test in the same folder. */
export const warnings = [
  { name: 'warn-every-node', warning: warnEveryNode },
  { name: 'warn-lost-namespaces', warning: warnLostNamespaces },
  { name: 'warn-entries', warning: warnEntries },
  { name: 'warn-unknown-interface', warning: warnUnknownInterface },
  { name: 'warn-vlan-parent', warning: warnVlanParent },
  { name: 'warn-overlap', warning: warnOverlap },
] as const satisfies readonly { name: string; warning: PolicyWarning }[];

/** The facts that are needed to review a created or updated policy, in addition to the object. */
export interface PolicyAdmissionContext extends ReviewContext, Omit<PolicyWarningContext, 'earlier'> {
  /** The old object, on an update. */
  readonly before?: unknown;
}

/**
 * Reviews a policy that is created or updated. Accepts any object.
 *
 * Errors reject the policy. Errors that the old object already had are only warnings, so that an author can fix
 * something else, or change labels and finalizers. An object that is being deleted always passes. When the spec of a
 * policy without errors changes, warnings about surprising effects are added.
 */
export function reviewPolicyAdmission(object: unknown, context: PolicyAdmissionContext): readonly Verdict[] {
  if (isBeingDeleted(object)) return [];
  const { before } = context;
  const isUntouched = before !== undefined && isSameSpec(object, before);
  const found = faultsOf(object, context);
  const faults = isUntouched
    ? found.map((verdict) => ({ ...verdict, severity: 'warn' }) as const)
    : downgradeExistingErrors(found, before === undefined ? [] : faultsOf(before, context));
  if (isUntouched || faults.length > 0) return faults;
  const policy = readPolicy(object as PolicyObject, context);
  const known = { ...context, ...(before !== undefined && { earlier: readAnyPolicy(before, context) }) };
  return warnings.flatMap(({ warning }) => warning(policy, known));
}

/** Returns the errors that reject a policy. Accepts any object. */
export function faultsOf(object: unknown, context: ReviewContext): readonly Verdict[] {
  const path = findShapeFault(object);
  return path === undefined ? reviewPolicy(object as PolicyObject, context) : [deny('SchemaFault', path, shapeDetail)];
}

/**
 * Returns whether the specs of two objects are equal, so that an update changes only metadata. The order of keys is
 * ignored. The comparison does not recurse, because a label's value may be nested as deeply as an API server accepts.
 */
export function isSameSpec(object: unknown, before: unknown): boolean {
  const pairs: [unknown, unknown][] = [[specOf(object), specOf(before)]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    if (left === right) continue;
    if (Array.isArray(left) && Array.isArray(right)) {
      if (left.length !== right.length) return false;
      for (const [index, item] of left.entries()) pairs.push([item, right[index]]);
    } else if (isJsonObject(left) && isJsonObject(right)) {
      const keys = Object.keys(left);
      if (keys.length !== Object.keys(right).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(right, key)) return false;
        pairs.push([left[key], right[key]]);
      }
    } else {
      return false;
    }
  }
  return true;
}

function specOf(object: unknown): unknown {
  return isJsonObject(object) ? object.spec : undefined;
}
