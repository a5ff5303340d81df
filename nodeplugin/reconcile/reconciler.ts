// SPDX-License-Identifier: Apache-2.0
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { HeldTracker } from './held-tracker.ts';
import type { ResourcePlugins } from './resource-plugins.ts';
import { type DecisionCause, decideServed, listDevices, type ParentLookup } from './served-resource.ts';

/** Applies the latest plan and the held devices to the served resources. */
export interface Reconciler {
  onPlan(plan: NodePlan, cause: Exclude<DecisionCause, 'held'>): void;
  /**
   * Must be called when no plan can be made. Before the first plan, this serves only the held devices. Otherwise,
   * kubelet would have no endpoint for their resources, and would not start the containers of their pods. After the
   * first plan, it changes nothing.
   */
  onWaiting(): void;
  /** Must be called when devices may have been allocated or released. */
  onHeld(): void;
}

export interface ReconcilerOptions {
  readonly resources: Pick<ResourcePlugins, 'current' | 'apply'>;
  readonly held: Pick<HeldTracker, 'current' | 'releasedDevices'>;
  readonly parents: ParentLookup;
  /** Called after each decision, with the served resources before and after it. */
  readonly onServed?: (before: ServedByName, after: ServedByName) => void;
}

type ServedByName = ResourcePlugins['current'];

/** A plan without resources. */
const nothing: Pick<NodePlan, 'resources' | 'skipped' | 'conflicts'> = { resources: [], skipped: [], conflicts: [] };

export function createReconciler({ resources, held, parents, onServed }: ReconcilerOptions): Reconciler {
  let plan: typeof nothing | undefined;
  const decide = (cause: DecisionCause): void => {
    if (plan === undefined) return;
    const holding = held.current();
    const before = resources.current;
    const next = decideServed(plan, before, cause, holding, parents, held.releasedDevices());
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
