// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Mode } from '../plan/mode.ts';
import type { ExplicitConfig, ExplicitEntry } from '../plan/read-explicit.ts';
import { isLegalResourceName } from '../plan/resource-name.ts';
import { hasNamelessEntries } from './find-wishes.ts';

/** An entry of the explicit configuration that can become a resource. */
export type UsableEntry = ExplicitEntry & { readonly mode: Mode };

/** Who names resources in writing, as far as they count. */
export interface Writers {
  /** By `namespace/name`: those without faults, for a policy with one exposes nothing. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** Those of the policies with entries that name no resource: only nodes know what they find. */
  readonly nameless: readonly Policy[];
  /** By the resource's name. */
  readonly explicit: ReadonlyMap<string, UsableEntry>;
}

export function readWriters(policies: readonly Policy[], explicit: ExplicitConfig | undefined): Writers {
  const counting = policies.filter(({ faults }) => faults.length === 0);
  const byID = new Map(counting.map((policy) => [policy.id, policy]));
  return {
    policies: byID,
    nameless: [...byID.values()].filter(hasNamelessEntries),
    explicit: readEntries(explicit),
  };
}

/** Of entries that repeat a name the last one counts, also when it is the one that is of no use. */
function readEntries(explicit: ExplicitConfig | undefined): ReadonlyMap<string, UsableEntry> {
  if (explicit === undefined || 'fault' in explicit) return new Map();
  const last = new Map(explicit.entries.map((entry) => [entry.name, entry]));
  const usable = [...last.values()].filter(isUsable);
  return new Map(usable.map((entry) => [entry.name, entry]));
}

function isUsable(entry: ExplicitEntry): entry is UsableEntry {
  return entry.mode !== undefined && isLegalResourceName(entry.name);
}
