// SPDX-License-Identifier: Apache-2.0
import { reasons } from '../../reasons.ts';
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { freeOn } from '../node-inventory.ts';
import { type EntryFinding, listFindings, locateFinding } from '../scoped-findings.ts';
import { editPolicy, patchEntry, quoteForShell } from '../suggested-commands.ts';

/** Checks that the interface can carry macvtaps in the policy's mode, and that the resource name is legal. */
export const findInterfaceUnsuitable: CauseRule = (scope, facts) =>
  listFindings(scope, facts, [
    'Loopback',
    'NotEthernet',
    'MacvtapOrMacvlan',
    'CarriesNodeTraffic',
    'IllegalResourceName',
    'VlanOnVlan',
    'VlanProtocol',
    'VlanNameTaken',
  ]).map(
    (found): Cause => ({
      code: 'InterfaceUnsuitable',
      isNote: !found.isShort && 'matcher' in found.entry.parent,
      ...locateFinding(found),
      detail: `interface ${found.finding.interface}: ${found.finding.code}: ${reasons[found.finding.code]}`,
      fix: fixFor(found, freeOn(found.nodes, facts)),
    }),
  );

function fixFor({ policy, entry, finding }: EntryFinding, [free]: readonly string[]): Fix {
  const { code, by } = finding;
  if (by !== undefined && (code === 'VlanProtocol' || code === 'VlanNameTaken')) {
    return {
      text: `remove or rename ${by} on the node, or choose another VLAN ID`,
      onNode: [`ip -d link show ${quoteForShell(by)}`],
      commands: [editPolicy(policy.id)],
    };
  }
  if (free === undefined || 'matcher' in entry.parent)
    return { text: 'name another interface', commands: [editPolicy(policy.id)] };
  return {
    text: `name another interface, for example ${free}, which is free`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: free })],
  };
}
