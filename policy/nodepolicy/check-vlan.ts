// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * Checks that a VLAN ID is from 1 to 4094 (IEEE 802.1Q, 9.6: 0 means only a priority, and 4095 is reserved). The CRD
 * has the same check, but a policy from a file may not have passed the CRD's schema.
 *
 * Reads vlan of spec.parentSelector[]. Emits IllegalVlan.
 */
export const checkVlan: PolicyRule = ({ spec }) =>
  spec.parentSelector.flatMap(({ vlan }, index) =>
    vlan === undefined || (Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094)
      ? []
      : [
          deny(
            'IllegalVlan',
            `spec.parentSelector[${index}].vlan`,
            `vlan ${vlan}: write an integer from 1 to 4094, or remove vlan`,
          ),
        ],
  );
