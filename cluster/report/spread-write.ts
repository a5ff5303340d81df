// SPDX-License-Identifier: Apache-2.0
import { xxhash64 } from '../../policy/device/xxhash64.ts';

/**
 * For how long a node waits before it writes what an edit has made of it: all that a policy selects would write in the
 * same moment. Each has its own place, always the same, in a span of a millisecond for each node, as far as their number
 * is known: an API server gets a thousand writes a second, and nobody waits for more than five seconds.
 */
export function spreadMs(node: string, nodes = 0): number {
  const share = Number(xxhash64(node) >> 32n) / 2 ** 32;
  return share * Math.min(Math.max(nodes, fewestNodes), mostNodes);
}

/**
 * Below what a policy's status waits for its nodes (status-turns.ts), so that nobody sees it later for that. How many nodes
 * an edit selects is known only after it.
 */
const fewestNodes = 500;

/** The largest cluster that Kubernetes is made for (kubernetes.io, "Considerations for large clusters"). */
const mostNodes = 5_000;
