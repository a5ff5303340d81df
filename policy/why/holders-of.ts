// SPDX-License-Identifier: Apache-2.0
import type { WhyFacts } from './why-facts.ts';

/** The pods that hold devices of a resource on some nodes, as `namespace/name`, as far as they were read. */
export function holdersOf(resource: string, nodes: readonly string[], { holders }: WhyFacts): readonly string[] {
  return nodes
    .flatMap((node) => holders.get(node) ?? [])
    .filter(({ devices }) => devices.has(resource))
    .map(({ pod }) => pod);
}
