// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../nearest-names.ts';
import type { Cause, CauseRule, Fix } from './cause.ts';
import { suitableOn } from './free-interfaces.ts';
import { editPolicy, patchEntry } from './kubectl.ts';
import { type EntryFinding, listFindings, wayTo } from './list-findings.ts';
import { reportedOn, resourcesOn } from './node-offers.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** More names than a person reads. */
const mostNames = 8;

/**
 * The node has an interface that the entry names or selects. Entries that find nothing are normal, so this is a cause only
 * where nothing is offered for want of it.
 */
export const findInterfaceAbsent: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['NothingFound'])
    .filter(({ nodes, resource }) => !nodes.some((node) => resource !== undefined && hasStood(facts, node, resource)))
    .map((found): Cause => {
      const wanted =
        'name' in found.entry.parent ? `no interface ${found.entry.parent.name}` : 'none that its nicSelector matches';
      const names = suitableOn(found.nodes, facts);
      const has = names.length === 0 ? 'has none that can be a parent' : `has ${names.slice(0, mostNames).join(', ')}`;
      return {
        code: 'InterfaceAbsent',
        isNote: !found.isLacking || isElsewhere(found, scope, facts),
        ...wayTo(found),
        detail: `entry ${found.entry.index} finds nothing: there is ${wanted}; ${found.nodes.length === 1 ? 'the node' : 'a node'} ${has}`,
        fix: fixFor(found, names),
      };
    });

/** The same name found something on another node, where it then stands or is in somebody's way: that is to be mended. */
function isElsewhere({ policy, resource }: EntryFinding, scope: Scope, facts: WhyFacts): boolean {
  const stands = scope.nodes.some(({ name: node }) =>
    resourcesOn(facts, node).some(({ name, policy: by }) => name === resource && by === policy.id),
  );
  const found = listFindings(scope, facts, inTheWay).some((one) => one.policy === policy && one.resource === resource);
  return stands || found;
}

const inTheWay = ['Enslaved', 'CarriesNodeTraffic', 'ResourceNameTaken', 'PassthruExclusive'] as const;

/** What was there once has vanished: that is another cause. */
function hasStood(facts: WhyFacts, node: string, resource: string): boolean {
  return reportedOn(facts, node, resource)?.health === 'Unhealthy';
}

function fixFor({ policy, entry }: EntryFinding, names: readonly string[]): Fix {
  const [near] = 'name' in entry.parent ? nearestNames(entry.parent.name, names) : [];
  if (near === undefined) {
    return { text: 'name an interface that the node has, if the node is meant', commands: [editPolicy(policy.id)] };
  }
  return {
    text: `name ${near}, if that is what was meant`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: near })],
  };
}
