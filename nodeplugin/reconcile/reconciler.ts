// SPDX-License-Identifier: Apache-2.0
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import { type DecisionCause, decideServed } from './decide-served.ts';
import type { HeldTracker } from './held-tracker.ts';
import { listDevices, type ParentLookup } from './served-resource.ts';
import type { ServedResources } from './served-resources.ts';

/** Keeps what is served in step with the newest plan and with what pods hold. */
export interface Reconciler {
  onPlan(plan: NodePlan, cause: Exclude<DecisionCause, 'held'>): void;
  /**
   * A plan cannot be made now. Before the first one, what pods hold is served by itself: without an endpoint kubelet starts
   * no container of theirs.
   */
  onWaiting(): void;
  /** Devices were given out or came back, or may have. */
  onHeld(): void;
}

export interface ReconcilerOptions {
  readonly resources: Pick<ServedResources, 'current' | 'apply'>;
  readonly held: Pick<HeldTracker, 'current' | 'leftBehind'>;
  readonly parents: ParentLookup;
  /** What was served before a decision, and what is after it. */
  readonly onServed?: (before: ServedByName, after: ServedByName) => void;
}

type ServedByName = ServedResources['current'];

/** Nobody asks for anything. */
const nothing: Pick<NodePlan, 'resources' | 'skipped' | 'conflicts'> = { resources: [], skipped: [], conflicts: [] };

export function createReconciler({ resources, held, parents, onServed }: ReconcilerOptions): Reconciler {
  let plan: typeof nothing | undefined;
  const decide = (cause: DecisionCause): void => {
    if (plan === undefined) return;
    const holding = held.current();
    const before = resources.current;
    const next = decideServed(plan, before, cause, holding, parents, held.leftBehind());
    faultPoint('plan-decided');
    resources.apply(next, (served) => listDevices(served, holding, parents));
    faultPoint('plan-applied');
    onServed?.(before, next);
  };
  return {
    onPlan(next, cause) {
      plan = next;
      decide(cause);
    },
    onWaiting() {
      if (plan !== undefined) return;
      plan = nothing;
      decide('held');
    },
    onHeld: () => decide('held'),
  };
}
