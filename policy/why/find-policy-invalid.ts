// SPDX-License-Identifier: Apache-2.0

import { matchNode } from '../plan/match-node.ts';
import { isOutsideNamespace } from '../plan/sources.ts';
import type { Cause, CauseRule } from './cause.ts';
import { editPolicy } from './kubectl.ts';

/** More than the first few faults help nobody. */
const mostFaults = 3;

/** The policy has no fault, as one can that was stored while the webhook was away: then it exposes nothing. */
export const findPolicyInvalid: CauseRule = ({ policies, subject, nodes, lacks }) =>
  policies
    .filter((policy) => policy.faults.length > 0 && !isOutsideNamespace(policy))
    .filter((policy) => subject.kind !== 'node' || nodes.some((node) => matchNode(node, policy.nodes)))
    .map(
      ({ id, faults }): Cause => ({
        code: 'PolicyInvalid',
        isNote: subject.kind !== 'policy' && subject.kind !== 'node' && lacks.length === 0,
        policy: id,
        detail: faults
          .slice(0, mostFaults)
          .map(({ path, code, detail }) => `${path}: ${code}: ${detail}`)
          .join('; '),
        fix: { text: 'mend what is wrong', commands: [editPolicy(id)] },
      }),
    );
