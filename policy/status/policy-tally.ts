// SPDX-License-Identifier: Apache-2.0
import type { NodeMark, NodeStanding } from './node-report.ts';

/** How many nodes mean what for one policy. */
export interface PolicyTally {
  readonly nodes: Readonly<Record<NodeStanding, number>>;
  /** Nodes by the index of an entry by which they give out devices. */
  readonly entries: ReadonlyMap<number, number>;
  /** What is lost, most nodes first. */
  readonly conflicts: readonly LostThing[];
}

export interface LostThing {
  readonly code: string;
  /** Who has it: a policy, a source or a resource. */
  readonly by: string;
  readonly nodes: number;
}

/** A tally that nodes are added to and taken from. */
export interface TallyKeeper {
  count(mark: NodeMark, by: 1 | -1): void;
  read(): PolicyTally;
}

export function createTally(): TallyKeeper {
  const nodes: Record<NodeStanding, number> = {
    none: 0,
    leaving: 0,
    pending: 0,
    exposing: 0,
    unhealthy: 0,
    losing: 0,
    'finding-nothing': 0,
  };
  const entries = new Map<number, number>();
  const conflicts = new Map<string, number>();
  return {
    count(mark, by) {
      nodes[mark.standing] += by;
      for (const index of mark.entries) add(entries, index, by);
      const lost = new Set(mark.conflicts.map((conflict) => JSON.stringify([conflict.code, conflict.by ?? ''])));
      for (const key of lost) add(conflicts, key, by);
    },
    read: () => ({
      nodes: { ...nodes },
      entries: new Map(entries),
      conflicts: [...conflicts].map(toLost).sort(byNodes),
    }),
  };
}

function add<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function toLost([key, nodes]: readonly [string, number]): LostThing {
  const [code, by] = JSON.parse(key) as [string, string];
  return { code, by, nodes };
}

function byNodes(left: LostThing, right: LostThing): number {
  const names = (one: LostThing) => `${one.by} ${one.code}`;
  return right.nodes - left.nodes || (names(left) < names(right) ? -1 : 1);
}
