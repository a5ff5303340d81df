// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from './cause.ts';
import { nameSome } from './group-nodes.ts';
import { holdersOf } from './holders-of.ts';
import { drainingOn } from './node-offers.ts';
import type { WhyFacts } from './why-facts.ts';

/** Devices that pods hold outlive what asked for their resource, and nobody else is given one. So a node tells of them. */
export const findDraining: CauseRule = ({ subject }, facts) => {
  if (subject.kind !== 'node') return [];
  const draining = drainingOn(facts, subject.name).map(({ name, held }) => describe(name, held, subject.name, facts));
  if (draining.length === 0) return [];
  return [
    {
      code: 'Draining',
      isNote: true,
      nodes: [subject.name],
      detail: `nothing asks any more for ${nameSome(draining)}`,
      fix: {
        text: 'none, if that is meant: it goes with the pods; else let a policy that offers it select the node',
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
