// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../../plan/match-labels.ts';
import { isOutsideNamespace } from '../../plan/plan-node.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { editPolicy } from '../suggested-commands.ts';

/** The maximum number of errors in a message. */
const mostErrors = 3;

/**
 * Checks that the policy is valid. An invalid policy exposes nothing. It may have been stored while the webhook was
 * down.
 */
export const findPolicyInvalid: CauseRule = ({ policies, subject, nodes, shortages }) =>
  policies
    .filter((policy) => policy.faults.length > 0 && !isOutsideNamespace(policy))
    .filter((policy) => subject.kind !== 'node' || nodes.some((node) => matchNode(node, policy.nodes)))
    .map(
      ({ id, faults }): Cause => ({
        code: 'PolicyInvalid',
        isNote: subject.kind !== 'policy' && subject.kind !== 'node' && shortages.length === 0,
        policy: id,
        detail: faults
          .slice(0, mostErrors)
          .map(({ path, code, detail }) => `${path}: ${code}: ${detail}`)
          .join('; '),
        fix: { text: 'fix the errors in the policy', commands: [editPolicy(id)] },
      }),
    );
