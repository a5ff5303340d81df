// SPDX-License-Identifier: Apache-2.0
import type { NodePlan } from '../../policy/plan/node-plan.ts';

/** The newest plan of the node. */
export interface KeptPlan {
  readonly plan: NodePlan;
  /** Of Date.now(). */
  readonly madeMs: number;
  /** False while a newer one cannot be made. */
  readonly isInForce: boolean;
}

export interface PlanKeeper {
  /** Undefined before the first one. */
  readonly current: KeptPlan | undefined;
  readonly isKnown: boolean;
  made(plan: NodePlan): void;
  /** Whether plans can be made; nothing to remember before the first one. */
  setInForce(isInForce: boolean): void;
}

/** Remembers the newest plan, for whoever asks what the node offers. */
export function keepPlan(): PlanKeeper {
  let current: KeptPlan | undefined;
  return {
    get current() {
      return current;
    },
    get isKnown() {
      return current !== undefined;
    },
    made(plan) {
      current = { plan, madeMs: Date.now(), isInForce: true };
    },
    setInForce(isInForce) {
      if (current !== undefined) current = { ...current, isInForce };
    },
  };
}
