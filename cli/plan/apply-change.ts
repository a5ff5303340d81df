// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { WrittenObjects } from './read-change.ts';
import type { Deletions } from './read-deletions.ts';

/**
 * The cluster once files were applied and objects deleted. A policy that is there already keeps its age, which decides
 * conflicts; a new one is younger than all. What is both deleted and written is written: it comes back.
 */
export function applyChange(snapshot: Snapshot, written: WrittenObjects, deleted: Deletions): Snapshot {
  const before = new Map(snapshot.policies.map((policy) => [policy.id, policy]));
  const policies = written.policies.map((policy) => ({
    ...policy,
    createdMs: deleted.policies.includes(policy.id)
      ? Number.POSITIVE_INFINITY
      : (before.get(policy.id)?.createdMs ?? Number.POSITIVE_INFINITY),
  }));
  const isTouched = (id: string) => deleted.policies.includes(id) || policies.some((policy) => policy.id === id);
  return {
    ...snapshot,
    policies: [...snapshot.policies.filter(({ id }) => !isTouched(id)), ...policies],
    explicit: written.explicit ?? (deleted.explicit ? undefined : snapshot.explicit),
  };
}
