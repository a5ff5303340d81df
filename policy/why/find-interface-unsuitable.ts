// SPDX-License-Identifier: Apache-2.0
import { reasons } from '../reasons.ts';
import type { Cause, CauseRule, Fix } from './cause.ts';
import { freeOn } from './free-interfaces.ts';
import { editPolicy, patchEntry } from './kubectl.ts';
import { type EntryFinding, listFindings, wayTo } from './list-findings.ts';

/** A macvtap can stand on the interface in the way that the policy wants, and the resource's name is a legal one. */
export const findInterfaceUnsuitable: CauseRule = (scope, facts) =>
  listFindings(scope, facts, [
    'Loopback',
    'NotEthernet',
    'MacvtapOrMacvlan',
    'CarriesNodeTraffic',
    'IllegalResourceName',
  ]).map(
    (found): Cause => ({
      code: 'InterfaceUnsuitable',
      isNote: !found.isLacking && 'matcher' in found.entry.parent,
      ...wayTo(found),
      detail: `interface ${found.finding.interface}: ${found.finding.code}: ${reasons[found.finding.code]}`,
      fix: fixFor(found, freeOn(found.nodes, facts)),
    }),
  );

function fixFor({ policy, entry }: EntryFinding, [free]: readonly string[]): Fix {
  if (free === undefined || 'matcher' in entry.parent)
    return { text: 'name another interface', commands: [editPolicy(policy.id)] };
  return {
    text: `name another interface, such as ${free}, on which nothing stands`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: free })],
  };
}
