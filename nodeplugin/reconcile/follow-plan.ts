// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { Source } from '../../cluster/source.ts';
import { wantedFrom } from '../../cluster/wanted.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';

export interface FollowOptions {
  readonly nodeName: string;
  readonly source: Source;
  readonly interfaces: InterfaceWatch;
  readonly exposure: ImplicitExposure | undefined;
  /** Told of the first plan and of each one that differs from the one before. */
  readonly onPlan: (plan: NodePlan, cause: 'edit' | 'links') => void;
  /** Told once when a plan cannot be made, with what is missing, and once, without a reason, when it can again. */
  readonly onWaiting: (reason: string | undefined) => void;
}

/** Plans the node now and whenever the source or the links change, until disposed. */
export function followPlan(options: FollowOptions): Disposable {
  const { nodeName, source, interfaces, exposure, onPlan, onWaiting } = options;
  let planned: { snapshot: Snapshot; facts: readonly InterfaceFacts[]; plan: NodePlan } | undefined;
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
    if (waitingFor !== undefined) onWaiting(undefined);
    waitingFor = undefined;
    const facts = interfaces.current;
    const wanted = wantedFrom(snapshot, exposure);
    const before = planned;
    // An edit is one that would have changed the plan on the same links: a change elsewhere in the cluster is none.
    const isEdit =
      before === undefined ||
      (before.snapshot !== snapshot && !isDeepStrictEqual(planNode(node, before.facts, wanted), before.plan));
    const plan = planNode(node, facts, wanted);
    planned = { snapshot, facts, plan };
    if (isEdit || !isDeepStrictEqual(plan, before.plan)) onPlan(plan, isEdit ? 'edit' : 'links');
  };

  using following = new DisposableStack();
  following.use(source.onChange(look));
  following.use(interfaces.onChange(look));
  look();
  return following.move();
}
