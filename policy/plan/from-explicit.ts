// SPDX-License-Identifier: Apache-2.0
import { type Candidate, plainCandidate, type Wishes } from './candidate.ts';
import type { Interfaces } from './interfaces.ts';
import { maxQuantity } from './mode.ts';
import type { Finding } from './node-plan.ts';
import type { ExplicitConfig, ExplicitEntry } from './read-explicit.ts';
import { checkSuitability } from './suitability.ts';

/**
 * What upstream's configuration wishes for on a node. As with upstream a repeated name means its last entry; unlike
 * there the earlier ones are reported. A configuration that cannot be read exposes nothing: falling through to implicit
 * exposure would offer what its author meant to restrict.
 */
export function wishesFromExplicit(config: ExplicitConfig, interfaces: Interfaces): Wishes {
  if ('fault' in config) {
    return { candidates: [], skipped: [{ code: 'ExplicitInvalid', source: 'explicit', value: config.fault }] };
  }
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  for (const entry of config.entries) {
    const isLast = !config.entries.some(({ name, index }) => name === entry.name && index > entry.index);
    const wish = isLast
      ? wishOf(entry, interfaces)
      : { skipped: [{ code: 'RepeatedName', ...askerOf(entry), resource: entry.name } as const] };
    skipped.push(...wish.skipped);
    if (wish.candidate !== undefined) candidates.push(wish.candidate);
  }
  return { candidates, skipped };
}

function wishOf(entry: ExplicitEntry, interfaces: Interfaces): { candidate?: Candidate; skipped: readonly Finding[] } {
  const asker = askerOf(entry);
  const { mode, name, lowerDevice } = entry;
  if (mode === undefined) return { skipped: [{ code: 'UnknownMode', ...asker, resource: name, value: entry.value }] };
  const nic = interfaces.find(lowerDevice);
  if (nic === undefined) return { skipped: [{ code: 'NothingFound', ...asker, interface: lowerDevice }] };
  const fault = checkSuitability(nic, { resourceName: name, mode, allowHostInterface: false }, interfaces);
  if (fault !== undefined) return { skipped: [{ ...fault, ...asker, interface: nic.name }] };
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const code = mode === 'passthru' ? 'PassthruQuantity' : 'QuantityAboveLimit';
  return {
    candidate: plainCandidate(asker, name, nic, mode, Math.min(entry.quantity, limit)),
    skipped: entry.quantity > limit ? [{ code, ...asker, resource: name, value: String(entry.quantity) }] : [],
  };
}

function askerOf({ index }: ExplicitEntry): { readonly source: 'explicit'; readonly entry: number } {
  return { source: 'explicit', entry: index };
}
