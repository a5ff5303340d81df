// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * passthru hands the whole parent to one device (the kernel refuses a second one), so its quantity is 1 or left out.
 * The bounds of the other modes are the schema's.
 *
 * Reads spec.parentSelector[].mode and .quantity. Emits PassthruQuantity.
 */
export const checkQuantity: PolicyRule = ({ spec }) =>
  spec.parentSelector.flatMap(({ mode, quantity }, index) =>
    mode === 'passthru' && quantity !== undefined && quantity !== 1
      ? [
          deny(
            'PassthruQuantity',
            `spec.parentSelector[${index}].quantity`,
            `quantity ${quantity}: write 1 or leave it out`,
          ),
        ]
      : [],
  );
