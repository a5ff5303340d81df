// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import { count } from './brief-text.ts';
import type { PolicyWarning } from './policy-warning.ts';

/**
 * A policy without node selection counts on every node and so, by the white-list, ends implicit exposure on all of
 * them: often it was meant, sometimes a selector was forgotten or stands at the wrong depth.
 *
 * Reads spec.nodeSelector and spec.nodeAffinity. Emits SelectsEveryNode.
 */
export const warnEveryNode: PolicyWarning = ({ nodes }, context) =>
  nodes.labels.length === 0 && nodes.terms === undefined
    ? [warn('SelectsEveryNode', 'spec.nodeSelector', `selects every node: ${count(context.nodes.size, 'node')} now`)]
    : [];
