// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import type { WhyFacts } from '../why-facts.ts';

const codes = ['VlanUnsupported', 'VlanFailed', 'VlanMissing'] as const;
type VlanCode = (typeof codes)[number];

/**
 * Checks that the VLAN of a resource exists. The node plugin creates VLANs. If that fails, it reports the error in the
 * node's troubles.
 */
export const findVlanMissing: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Unhealthy' && codeOf(code) !== undefined).flatMap(
    (found): readonly Cause[] => {
      const code = codeOf(found.resource.code);
      if (code === undefined) return [];
      const { name, parent } = found.resource;
      const trouble = troubleOf(code, found.nodes, facts);
      return [
        {
          code: 'VlanMissing',
          isNote: false,
          ...locateResource(found),
          detail: `${name} needs VLAN ${parent}, which does not exist: ${code}${trouble === undefined ? '' : `: ${trouble}`}`,
          fix: fixes[code],
        },
      ];
    },
  );

const fixes: Readonly<Record<VlanCode, Fix>> = {
  VlanUnsupported: {
    text: 'load the module 8021q, or boot a kernel that has 802.1Q VLANs',
    onNode: ['modprobe 8021q'],
    commands: [],
  },
  VlanFailed: { text: 'correct the cause that the message names', onNode: ['ip -d link show type vlan'], commands: [] },
  VlanMissing: {
    text: 'wait a few seconds; if the VLAN is still missing, check that the node plugin runs',
    commands: [],
  },
};

function codeOf(code: string | undefined): VlanCode | undefined {
  return codes.find((known) => known === code);
}

function troubleOf(code: VlanCode, nodes: readonly string[], { nodeStates }: WhyFacts): string | undefined {
  const troubles = nodes.flatMap((node) => nodeStates.get(node)?.status?.troubles ?? []);
  return troubles.find((trouble) => trouble.code === code)?.message;
}
