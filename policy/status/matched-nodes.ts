// SPDX-License-Identifier: Apache-2.0
import type { PolicyTally } from './policy-tally.ts';

/** The nodes that a policy selects: each of them is one of these. */
export function matchedNodes({ nodes }: PolicyTally): number {
  return nodes.pending + nodes.exposing + nodes.unhealthy + nodes.losing + nodes['finding-nothing'];
}
