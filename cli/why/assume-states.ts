// SPDX-License-Identifier: Apache-2.0
import { buildNodeState } from '../../cluster/report/build-node-state.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { planNode } from '../../policy/plan/plan-node.ts';

/**
 * Node states of files, with resources: one that was written by hand has interfaces alone, and its node is taken for one
 * that exposes what its plan says.
 */
export function assumeStates(snapshot: Snapshot, exposure: ImplicitExposure | undefined): Snapshot['nodeStates'] {
  return new Map(
    [...snapshot.nodeStates].map(([name, state]) => {
      const node = snapshot.nodes.get(name);
      if (node === undefined || state.status?.resources !== undefined) return [name, state];
      const reached = readNode(node, state);
      if (reached === undefined) return [name, state];
      const { interfaces } = reached;
      const plan = planNode(node, interfaces, wantedFrom(snapshot, exposure));
      const served = plan.resources.map((resource) => ({ resource }));
      const { policies } = snapshot;
      const built = buildNodeState({ node, plan, served, interfaces, exposure, policies, pluginVersion: '' });
      return [name, { ...state, status: { ...state.status, source: plan.source, resources: built.resources ?? [] } }];
    }),
  );
}
