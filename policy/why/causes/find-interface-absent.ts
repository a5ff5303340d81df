// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../../names.ts';
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { reportedOn, resourcesOn, suitableOn, withoutNodeTraffic } from '../node-inventory.ts';
import type { Scope } from '../scope.ts';
import { type EntryFinding, listFindings, locateFinding } from '../scoped-findings.ts';
import { editPolicy, patchEntry } from '../suggested-commands.ts';
import type { WhyFacts } from '../why-facts.ts';

/** The maximum number of interfaces in a message. */
const mostNames = 8;

/**
 * Checks that the node has an interface that the entry names or selects. A missing interface is normal, because nodes
 * differ. So it is a cause only if it explains why a resource is missing.
 */
export const findInterfaceAbsent: CauseRule = (scope, facts) => {
  const elsewhere = findElsewhere(scope, facts);
  return listFindings(scope, facts, ['NothingFound'])
    .filter(({ nodes, resource }) => !nodes.some((node) => resource !== undefined && wasServed(facts, node, resource)))
    .map((found): Cause => {
      const wanted =
        'name' in found.entry.parent ? `no interface ${found.entry.parent.name}` : 'none that its nicSelector matches';
      const names = suitableOn(found.nodes, facts);
      const has = names.length === 0 ? 'has none that can be a parent' : `has ${names.slice(0, mostNames).join(', ')}`;
      const isNote = !found.isShort || elsewhere.has(keyOf(found.policy.id, found.resource));
      return {
        code: 'InterfaceAbsent',
        isNote,
        ...locateFinding(found),
        detail: `entry ${found.entry.index} finds nothing: there is ${wanted}; ${found.nodes.length === 1 ? 'the node' : 'a node'} ${has}`,
        fix: isNote ? nothingToFix : fixFor(found, withoutNodeTraffic(found.nodes, facts)),
      };
    });
};

/**
 * Returns the resources for which some node has an interface. Either that node serves the resource, or another rule
 * reports why it cannot.
 */
function findElsewhere(scope: Scope, facts: WhyFacts): ReadonlySet<string> {
  const served = scope.nodes.flatMap(({ name }) => resourcesOn(facts, name));
  const found = listFindings(scope, facts, inTheWay);
  return new Set([
    ...served.map(({ policy = '', name }) => keyOf(policy, name)),
    ...found.map(({ policy, resource }) => keyOf(policy.id, resource)),
  ]);
}

function keyOf(policy: string, resource: string | undefined): string {
  return JSON.stringify([policy, resource]);
}

const nothingToFix: Fix = { text: 'none, unless this node should have the interface', commands: [] };

const inTheWay = ['Enslaved', 'CarriesNodeTraffic', 'ResourceNameTaken', 'PassthruExclusive'] as const;

/** Returns whether the node served the resource before; in that case, another rule reports the cause. */
function wasServed(facts: WhyFacts, node: string, resource: string): boolean {
  return reportedOn(facts, node, resource)?.health === 'Unhealthy';
}

/**
 * Returns the fix. `names` must not contain interfaces that carry the node's own traffic, so that the fix for a typo
 * never suggests the uplink.
 */
function fixFor({ policy, entry }: EntryFinding, names: readonly string[]): Fix {
  const [near] = 'name' in entry.parent ? nearestNames(entry.parent.name, names) : [];
  if (near === undefined) {
    return {
      text: 'name an interface that the node has, if the policy is meant for the node',
      commands: [editPolicy(policy.id)],
    };
  }
  return {
    text: `name ${near}, if that was intended`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: near })],
  };
}
