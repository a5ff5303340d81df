// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * Checks that a policy is in the installation's namespace. Users who can write there are trusted with the nodes'
 * interfaces. Policies in other namespaces have no effect.
 *
 * Reads metadata.namespace. Emits PolicyOutsideNamespace.
 */
export const checkNamespace: PolicyRule = ({ metadata }, { policyNamespace }) =>
  metadata.namespace === policyNamespace
    ? []
    : [
        deny(
          'PolicyOutsideNamespace',
          'metadata.namespace',
          `namespace ${metadata.namespace}: create the policy in ${policyNamespace}`,
        ),
      ];
