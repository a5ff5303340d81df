// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from './cause.ts';
import { freeOn } from './free-interfaces.ts';
import { holdersOf } from './holders-of.ts';
import { deletePod, editPolicy, patchEntry } from './kubectl.ts';
import { type EntryFinding, listFindings, wayTo } from './list-findings.ts';
import { listResources, wayTo as wayToResource } from './list-resources.ts';
import { drainingOn, type WantedResource } from './node-offers.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * A passthru resource has its parent for itself, and the first of two has it. After an edit one waits besides for the
 * devices of before that still stand there, whatever the plan says.
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
      ...wayTo(found),
      detail: `${finding.by} stands on ${finding.interface}, too, and comes first; ${which} and shares it with nobody`,
      fix: fixFor(found, freeOn(found.nodes, facts)),
    };
  });
}

function findWaiting(scope: Scope, facts: WhyFacts): readonly Cause[] {
  const isWaiting = ({ health, code }: WantedResource) => health === 'Unhealthy' && code === 'PassthruExclusive';
  return listResources(scope, facts, isWaiting).map((found): Cause => {
    const { name, parent, mode } = found.resource;
    const before = found.nodes.flatMap((node) => drainingOn(facts, node).map((draining) => draining.name));
    const pods = new Set([name, ...before].flatMap((resource) => holdersOf(resource, found.nodes, facts)));
    const what = mode === 'passthru' ? 'devices of before still stand' : 'a passthru device of before still stands';
    return {
      code: 'PassthruExclusive',
      isNote: false,
      ...wayToResource(found),
      detail: `${name} (${mode}) waits for ${parent}, on which ${what}: passthru shares it with nobody`,
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
      text: `put ${resource} on another interface, or give up one of the two`,
      commands: [editPolicy(policy.id)],
    };
  }
  return {
    text: `put ${resource} on another interface, such as ${free}, on which nothing stands`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: free })],
  };
}
