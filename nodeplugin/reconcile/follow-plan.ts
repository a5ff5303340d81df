// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { Source } from '../../cluster/source.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import type { PlanCause } from './decide-served.ts';

export interface FollowOptions {
  readonly nodeName: string;
  readonly source: Source;
  readonly interfaces: InterfaceWatch;
  readonly exposure: ImplicitExposure | undefined;
  /** Told of the first plan and of each one that differs from the one before. */
  readonly onPlan: (plan: NodePlan, cause: PlanCause) => void;
  /** Told once when a plan cannot be made, with what is missing. */
  readonly onWaiting: (reason: string) => void;
}

/** Plans the node now and whenever the source or the links change, until disposed. */
export function followPlan(options: FollowOptions): Disposable {
  const { nodeName, source, interfaces, exposure, onPlan, onWaiting } = options;
  let planned: { snapshot: Snapshot; plan: NodePlan } | undefined;
  let waitingFor: string | undefined;

  const look = (): void => {
    const { snapshot } = source;
    const node = snapshot.nodes.get(nodeName);
    if (!source.synced || node === undefined) {
      const reason = source.synced ? `there is no Node ${nodeName}; check --node-name` : 'the source was not read yet';
      if (reason !== waitingFor) onWaiting(reason);
      waitingFor = reason;
      return;
    }
    waitingFor = undefined;
    const plan = planNode(node, interfaces.current, wantedFrom(snapshot, exposure));
    const cause = planned?.snapshot === snapshot ? 'links' : 'edit';
    const isNew = !isDeepStrictEqual(plan, planned?.plan);
    planned = { snapshot, plan };
    if (isNew) onPlan(plan, cause);
  };

  using following = new DisposableStack();
  following.use(source.onChange(look));
  following.use(interfaces.onChange(look));
  look();
  return following.move();
}
