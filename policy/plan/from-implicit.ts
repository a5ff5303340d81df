// SPDX-License-Identifier: Apache-2.0
import { type Candidate, checkSuitability, plainCandidate, type SourceResult } from './candidate.ts';
import type { InterfaceFacts, Interfaces } from './interfaces.ts';
import type { Glob } from './match-nic.ts';
import type { Finding } from './node-plan.ts';
import { quantityFor } from './resource.ts';

/** Which interfaces a node exposes if no other source applies to it. */
export interface ImplicitExposure {
  /** Link kinds that are exposed: `device` (physical NICs) and `bond` unless configured otherwise. */
  readonly linkKinds: readonly string[];
  /** Globs of interface names that are not exposed. */
  readonly exclude: readonly Glob[];
}

/**
 * Returns one candidate for each suitable interface that `exposure` does not exclude. The candidate has the interface's
 * name, mode bridge and 100 devices.
 */
export function candidatesFromImplicit(exposure: ImplicitExposure, interfaces: Interfaces): SourceResult {
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
  // `checkSuitability` accepts VRF ports, but implicit exposure skips the ports of every kind of master.
  if (nic.master !== undefined) return { code: 'Enslaved', by: nic.master.name };
  return checkNamedKind(nic, exposure);
}

/** Returns why an interface's kind or name excludes it from implicit exposure, or undefined if nothing does. */
export function checkNamedKind(
  { kind, name, altNames = [] }: InterfaceFacts,
  { linkKinds, exclude }: ImplicitExposure,
): Pick<Finding, 'code' | 'value'> | undefined {
  if (!linkKinds.includes(kind)) return { code: 'KindNotExposed', value: kind };
  const excluded = [name, ...altNames].some((each) => exclude.some((glob) => 'matches' in glob && glob.matches(each)));
  return excluded ? { code: 'ExcludedByName' } : undefined;
}
