// SPDX-License-Identifier: Apache-2.0
import type { Registry } from 'prom-client';
import { resourcePrefix } from '../policy/plan/resource-name.ts';
import { type HealthServer, startHealthServer } from '../runtime/health-server.ts';
import type { ListenAddress } from '../runtime/listen-address.ts';
import type { HeldTracker } from './reconcile/held-tracker.ts';
import type { PlanKeeper } from './reconcile/keep-plan.ts';
import type { ServedResources } from './reconcile/served-resources.ts';
import { recordStanding } from './record-standing.ts';

export interface ServeHealthOptions {
  /** Nobody is answered where it is absent. */
  readonly address: ListenAddress | undefined;
  readonly metrics: Registry;
  readonly resources: Pick<ServedResources, 'listed' | 'unregistered'>;
  readonly held: Pick<HeldTracker, 'current'>;
  readonly plan: Pick<PlanKeeper, 'current' | 'isKnown'>;
  /** The process is no longer ready when it ends. */
  readonly signal: AbortSignal;
}

/** Answers how the node plugin stands: its metrics, and whether each resource of a plan is kubelet's. Raises ListenFailed. */
export async function serveHealth(options: ServeHealthOptions): Promise<HealthServer | undefined> {
  const { address, metrics, resources, held, plan, signal } = options;
  recordStanding(metrics, () => ({
    listed: resources.listed,
    held: new Set(held.current().map(({ id }) => id)),
    unregistered: resources.unregistered,
    ...(plan.current !== undefined && { plan: plan.current }),
  }));
  const missing = () => [
    ...(signal.aborted ? ['ending'] : []),
    ...(plan.isKnown ? [] : ['there is no plan yet']),
    ...resources.unregistered.map((name) => `kubelet has not taken ${resourcePrefix}${name} yet`),
  ];
  return address && (await startHealthServer({ address, metrics, missing }));
}
