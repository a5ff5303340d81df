// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from './interface-facts.ts';
import type { Mode } from './mode.ts';
import type { Asker, Finding } from './node-plan.ts';

/** A wish that found an interface, before conflicts are settled. */
export interface Candidate extends Asker {
  readonly name: string;
  readonly nic: InterfaceFacts;
  readonly mode: Mode;
  readonly quantity: number;
  readonly excludeTopology: boolean;
  readonly needVhostNet: boolean;
}

/** What a source says of a node: candidates in the order in which they win, and what it passed over. */
export interface Wishes {
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly Finding[];
}

/** A candidate with the defaults of the sources that can say little: configuration, tags and implicit exposure. */
export function plainCandidate(
  asker: Asker,
  name: string,
  nic: InterfaceFacts,
  mode: Mode,
  quantity: number,
): Candidate {
  return { ...asker, name, nic, mode, quantity, excludeTopology: false, needVhostNet: false };
}
