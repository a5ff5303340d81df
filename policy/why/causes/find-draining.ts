// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from '../cause.ts';
import { drainingOn, holdersOf } from '../node-inventory.ts';
import { nameSome } from '../node-scheduling.ts';
import type { WhyFacts } from '../why-facts.ts';

/** Finds resources that are draining on the node: they remain only for the pods that hold their devices. */
export const findDraining: CauseRule = ({ subject }, facts) => {
  if (subject.kind !== 'node') return [];
  const draining = drainingOn(facts, subject.name).map(({ name, held }) => describe(name, held, subject.name, facts));
  if (draining.length === 0) return [];
  return [
    {
      code: 'Draining',
      isNote: true,
      nodes: [subject.name],
      detail: `no source declares ${nameSome(draining)} anymore`,
      fix: {
        text: 'none, if that is intended: it disappears when its pods end; otherwise let a policy that offers it select the node',
        commands: [],
      },
    },
  ];
};

function describe(resource: string, held: number | undefined, node: string, facts: WhyFacts): string {
  const pods = holdersOf(resource, [node], facts);
  const by = pods.length === 0 ? '' : ` by ${nameSome(pods)}`;
  return held === undefined ? resource : `${resource} (${held} held${by})`;
}
