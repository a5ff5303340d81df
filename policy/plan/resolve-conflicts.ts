// SPDX-License-Identifier: Apache-2.0
import type { Candidate } from './candidate.ts';
import type { Finding } from './node-plan.ts';

/** Candidates that stay, and why the others do not. */
export interface Settlement {
  readonly winners: readonly Candidate[];
  readonly conflicts: readonly Finding[];
}

/**
 * Settles what two resources of a node cannot both have, in the order of the candidates, first come first served:
 *
 * - a resource name: kubelet knows one plugin for a name (ResourceNameTaken);
 * - the parent of a passthru resource: the kernel refuses any second macvtap on it (PassthruExclusive).
 */
export function resolveConflicts(candidates: readonly Candidate[]): Settlement {
  const winners: Candidate[] = [];
  const conflicts: Finding[] = [];
  for (const candidate of candidates) {
    const conflict = conflictWith(candidate, winners);
    if (conflict === undefined) winners.push(candidate);
    else conflicts.push(conflict);
  }
  return { winners, conflicts };
}

function conflictWith(candidate: Candidate, winners: readonly Candidate[]): Finding | undefined {
  const namesake = winners.find(({ name }) => name === candidate.name);
  if (namesake !== undefined) return toFinding('ResourceNameTaken', candidate, namesake);
  const exclusive = winners.find(
    ({ nic, mode }) => nic.name === candidate.nic.name && (mode === 'passthru' || candidate.mode === 'passthru'),
  );
  return exclusive && toFinding('PassthruExclusive', candidate, exclusive);
}

function toFinding(code: 'ResourceNameTaken' | 'PassthruExclusive', loser: Candidate, winner: Candidate): Finding {
  const { source, policy, entry } = loser;
  return {
    code,
    source,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    interface: loser.nic.name,
    resource: loser.name,
    by: code === 'ResourceNameTaken' ? (winner.policy ?? winner.source) : winner.name,
  };
}
