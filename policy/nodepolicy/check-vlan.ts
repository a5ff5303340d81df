// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * Checks that a VLAN ID can be in a tag: 1 to 4094 (IEEE 802.1Q, 9.6: 0 marks only a priority, and 4095 is reserved).
 * The CRD checks the same. A policy from a file may not have passed the CRD's schema.
 *
 * Reads vlan of spec.parentSelector[]. Emits IllegalVlan.
 */
export const checkVlan: PolicyRule = ({ spec }) =>
  spec.parentSelector.flatMap(({ vlan }, index) =>
    vlan === undefined || (Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094)
      ? []
      : [deny('IllegalVlan', `spec.parentSelector[${index}].vlan`, `vlan ${vlan}: write 1 to 4094, or leave it out`)],
  );
