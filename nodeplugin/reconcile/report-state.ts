// SPDX-License-Identifier: Apache-2.0
import { buildNodeState } from '../../cluster/report/build-node-state.ts';
import { openNodeStateWriter } from '../../cluster/report/open-writer.ts';
import { reportNodeState } from '../../cluster/report/report-node-state.ts';
import type { LiveSource } from '../../cluster/source.ts';
import packageFile from '../../package.json' with { type: 'json' };
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import type { HeldTracker } from './held-tracker.ts';
import type { ServedResources } from './served-resources.ts';

/** Keeps the node's MacvtapNetworkNodeState in step with what is served. */
export interface StateReport extends AsyncDisposable {
  /** After what is served follows a new plan. */
  onPlan(plan: NodePlan): void;
  /** After something else changed of what the state tells: links, devices that came or went, policies. */
  look(): void;
  /** What is written may be gone. */
  refresh(): void;
}

export interface StateReportOptions {
  readonly nodeName: string;
  readonly source: LiveSource;
  readonly interfaces: Pick<InterfaceWatch, 'current'>;
  readonly resources: Pick<ServedResources, 'current'>;
  readonly held: Pick<HeldTracker, 'current'>;
  readonly onState: (error: MacvtapError | undefined) => void;
}

/** Nothing is written before there is a plan: an empty state would say that the node has nothing to offer. */
export function reportState(options: StateReportOptions): StateReport {
  const { nodeName, source, interfaces, resources, held, onState } = options;
  const reporter = reportNodeState({ writer: openNodeStateWriter(source.origin, nodeName), onState });
  let plan: NodePlan | undefined;
  const look = (): void => {
    const node = source.snapshot.nodes.get(nodeName);
    if (plan === undefined || node === undefined) return;
    const counts = Map.groupBy(held.current(), (device) => device.resource);
    const served = [...resources.current.values()].flatMap(({ name, resource, fault }) =>
      resource === undefined
        ? []
        : [{ resource, held: counts.get(name)?.length ?? 0, ...(fault !== undefined && { fault }) }],
    );
    reporter.report(
      buildNodeState({
        node,
        plan,
        served,
        interfaces: interfaces.current,
        policies: source.snapshot.policies,
        pluginVersion: packageFile.version,
      }),
    );
  };
  // An edit may leave the plan as it is, and still be one that the state must say it has seen.
  const changes = source.onChange(look);
  return {
    onPlan(next) {
      plan = next;
      look();
    },
    look,
    refresh: reporter.refresh,
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]();
      await reporter[Symbol.asyncDispose]();
    },
  };
}
