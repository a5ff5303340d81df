// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { wantedFrom } from '../../cluster/cluster-flags.ts';
import type { Snapshot, Source } from '../../cluster/source.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { describeFinding, type NodePlan } from '../../policy/plan/node-plan.ts';
import { type ImplicitExposure, planNode } from '../../policy/plan/plan-node.ts';
import type { Log } from '../../runtime/log.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';

/**
 * The cause of a new plan: an edit of a policy, the config map or the node's labels, or a change of the node's links.
 */
export type PlanCause = 'edit' | 'links';

export interface FollowOptions {
  readonly nodeName: string;
  readonly source: Source;
  readonly interfaces: InterfaceWatch;
  readonly exposure: ImplicitExposure | undefined;
  /** Called with the first plan, and with each plan that differs from the previous one. */
  readonly onPlan: (plan: NodePlan, cause: PlanCause) => void;
  /** Called with the reason when no plan can be made, and with undefined when a plan can be made again. */
  readonly onWaiting: (reason: string | undefined) => void;
}

/** Computes the node's plan. Returns undefined if the cluster's objects or the node are not known yet. */
export function planNow({
  nodeName,
  source,
  interfaces,
  exposure,
}: Pick<FollowOptions, 'nodeName' | 'source' | 'interfaces' | 'exposure'>): NodePlan | undefined {
  const node = source.snapshot.nodes.get(nodeName);
  if (!source.synced || node === undefined) return undefined;
  return planNode(node, interfaces.current, wantedFrom(source.snapshot, exposure));
}

/** Plans the node now and after each change of the source or the links, until disposed. */
export function followPlan(options: FollowOptions): Disposable {
  const { nodeName, source, interfaces, exposure, onPlan, onWaiting } = options;
  let planned: { snapshot: Snapshot; facts: readonly InterfaceFacts[]; plan: NodePlan } | undefined;
  let waitingFor: string | undefined;

  const look = (): void => {
    const { snapshot } = source;
    const node = snapshot.nodes.get(nodeName);
    if (!source.synced || node === undefined) {
      const reason = source.synced
        ? `there is no Node ${nodeName}; check --node-name`
        : 'the objects of the cluster were not read yet';
      if (reason !== waitingFor) onWaiting(reason);
      waitingFor = reason;
      return;
    }
    if (waitingFor !== undefined) onWaiting(undefined);
    waitingFor = undefined;
    const facts = interfaces.current;
    const wanted = wantedFrom(snapshot, exposure);
    const before = planned;
    // A new snapshot counts as an edit only if it would change the plan even with the previous links.
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

/** The latest plan of the node. */
export interface LatestPlan {
  readonly plan: NodePlan;
  /** When the plan was made, as returned by Date.now(). */
  readonly madeMs: number;
  /** False while no newer plan can be made. */
  readonly isInForce: boolean;
}

export interface PlanStore {
  /** Undefined before the first plan. */
  readonly current: LatestPlan | undefined;
  readonly isKnown: boolean;
  made(plan: NodePlan): void;
  /** Sets whether a newer plan can be made. Does nothing before the first plan. */
  setInForce(isInForce: boolean): void;
}

/** Creates the store of the latest plan. */
export function createPlanStore(): PlanStore {
  let current: LatestPlan | undefined;
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

/**
 * Logs a plan and each of its findings. The interfaces that implicit exposure skips are logged at `debug`, because
 * there are many of them.
 */
export function logPlan({ source, resources, skipped, conflicts }: NodePlan, cause: PlanCause, log: Log): void {
  const names = resources.map(({ name, parent, mode, quantity }) => `${name}=${parent}/${mode}/${quantity}`);
  log.info({ source, cause, resources: names }, 'plan in force');
  for (const finding of conflicts) log.warn({ code: finding.code, finding: describeFinding(finding) }, 'conflict');
  for (const finding of skipped) {
    const level = finding.source === 'implicit' ? 'debug' : 'info';
    log[level]({ code: finding.code, finding: describeFinding(finding) }, 'not exposed');
  }
}
