// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * A policy counts only in the installation's namespace, whose writers are trusted with the nodes' interfaces; anywhere
 * else it would be an object that does nothing.
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
