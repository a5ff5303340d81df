// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { drainingOn, freeOn, holdersOf, type WantedResource } from '../node-inventory.ts';
import type { Scope } from '../scope.ts';
import { type EntryFinding, listFindings, listResources, locateFinding, locateResource } from '../scoped-findings.ts';
import { deletePod, editPolicy, patchEntry } from '../suggested-commands.ts';
import type { WhyFacts } from '../why-facts.ts';

/**
 * Checks that a passthru resource does not share its parent: of two resources, the one with precedence gets the parent.
 * After an edit, a resource also waits until pods release the previous devices on the parent.
 */
export const findPassthruExclusive: CauseRule = (scope, facts) => [
  ...findLost(scope, facts),
  ...findWaiting(scope, facts),
];

function findLost(scope: Scope, facts: WhyFacts): readonly Cause[] {
  return listFindings(scope, facts, ['PassthruExclusive']).map((found): Cause => {
    const { finding, entry, resource } = found;
    const which = entry.mode === 'passthru' ? `${resource} is passthru` : `${finding.by} is passthru`;
    return {
      code: 'PassthruExclusive',
      isNote: false,
      ...locateFinding(found),
      detail: `${finding.by} also uses ${finding.interface} and comes first; ${which} and does not share its parent`,
      fix: fixFor(found, freeOn(found.nodes, facts)),
    };
  });
}

function findWaiting(scope: Scope, facts: WhyFacts): readonly Cause[] {
  const isWaiting = ({ health, code }: WantedResource) => health === 'Unhealthy' && code === 'PassthruExclusive';
  return listResources(scope, facts, isWaiting).map((found): Cause => {
    const { name, parent, mode } = found.resource;
    const previous = found.nodes.flatMap((node) => drainingOn(facts, node).map((draining) => draining.name));
    const pods = new Set([name, ...previous].flatMap((resource) => holdersOf(resource, found.nodes, facts)));
    const what = mode === 'passthru' ? 'pods still hold devices' : 'pods still hold a passthru device';
    return {
      code: 'PassthruExclusive',
      isNote: false,
      ...locateResource(found),
      detail: `${name} (${mode}) waits for ${parent}, on which ${what}: passthru does not share its parent`,
      fix: {
        text: 'wait until the pods that hold those devices have ended, or delete them',
        commands: [...pods].map(deletePod),
      },
    };
  });
}

function fixFor({ policy, entry, resource }: EntryFinding, [free]: readonly string[]): Fix {
  if (free === undefined || 'matcher' in entry.parent) {
    return {
      text: `put ${resource} on another interface, or remove one of the two resources`,
      commands: [editPolicy(policy.id)],
    };
  }
  return {
    text: `put ${resource} on another interface, for example ${free}, which is free`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: free })],
  };
}
