// SPDX-License-Identifier: Apache-2.0
import { type Candidate, plainCandidate, type Wishes } from './candidate.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import type { Interfaces } from './interfaces.ts';
import type { Glob } from './match-glob.ts';
import { quantityFor } from './mode.ts';
import type { Finding } from './node-plan.ts';
import { checkSuitability } from './suitability.ts';

/** What is exposed on a node that no other source applies to. */
export interface ImplicitExposure {
  /** Link kinds that count: `device` (physical NICs) and `bond` unless configured otherwise. */
  readonly linkKinds: readonly string[];
  /** Globs of names that do not. */
  readonly exclude: readonly Glob[];
}

/** One resource for each suitable interface: its own name, bridge, 100. */
export function wishesFromImplicit(exposure: ImplicitExposure, interfaces: Interfaces): Wishes {
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  for (const nic of interfaces.selectable) {
    const fault =
      checkSuitability(nic, { resourceName: nic.name, mode: 'bridge', allowHostInterface: false }, interfaces) ??
      checkExposure(nic, exposure);
    if (fault === undefined) {
      candidates.push(plainCandidate({ source: 'implicit' }, nic.name, nic, 'bridge', quantityFor('bridge')));
    } else {
      skipped.push({ ...fault, source: 'implicit', interface: nic.name });
    }
  }
  return { candidates, skipped };
}

function checkExposure(
  nic: InterfaceFacts,
  exposure: ImplicitExposure,
): Pick<Finding, 'code' | 'value' | 'by'> | undefined {
  // A VRF port can carry a macvtap, and a policy may say so; nobody gets one without having asked for it.
  if (nic.master !== undefined) return { code: 'Enslaved', by: nic.master.name };
  return checkNamedKind(nic, exposure);
}

/** Why an interface is none of those that are meant, by its kind and its names; undefined when it is one. */
export function checkNamedKind(
  { kind, name, altNames = [] }: InterfaceFacts,
  { linkKinds, exclude }: ImplicitExposure,
): Pick<Finding, 'code' | 'value'> | undefined {
  if (!linkKinds.includes(kind)) return { code: 'KindNotExposed', value: kind };
  const excluded = [name, ...altNames].some((each) => exclude.some((glob) => 'matches' in glob && glob.matches(each)));
  return excluded ? { code: 'ExcludedByName' } : undefined;
}
