// SPDX-License-Identifier: Apache-2.0
import { buildNodeState, type ReportedResource } from '../../cluster/report/build-node-state.ts';
import { observeWrites } from '../../cluster/report/observe-writes.ts';
import { openNodeStateWriter } from '../../cluster/report/open-writer.ts';
import { type ReportOptions, reportNodeState } from '../../cluster/report/report-node-state.ts';
import { spreadMs } from '../../cluster/report/spread-write.ts';
import type { LiveSource } from '../../cluster/source.ts';
import packageFile from '../../package.json' with { type: 'json' };
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import type { MacvtapSupport } from '../links/watch-macvtap-support.ts';
import type { HeldTracker } from './held-tracker.ts';
import type { HeldDevice, ParentLookup } from './served-resource.ts';
import type { ServedResources } from './served-resources.ts';
import { summarizeHeld } from './summarize-held.ts';

/** Keeps the node's MacvtapNetworkNodeState in step with what is served. */
export interface StateReport extends AsyncDisposable {
  /** After what is served follows a new plan. */
  onPlan(plan: NodePlan, cause: 'edit' | 'links'): void;
  /** After something else changed of what the state tells: links, devices that came or went, policies. */
  look(): void;
  /** What is written may be gone. */
  refresh(): void;
}

export interface StateReportOptions {
  readonly nodeName: string;
  readonly source: LiveSource;
  readonly interfaces: Pick<InterfaceWatch, 'current'>;
  readonly exposure: ImplicitExposure | undefined;
  readonly resources: Pick<ServedResources, 'current' | 'waiting'>;
  readonly held: Pick<HeldTracker, 'current'>;
  readonly parents: ParentLookup;
  readonly support: Pick<MacvtapSupport, 'isThere'>;
  readonly onState: (error: MacvtapError | undefined) => void;
  /** Told of each write. */
  readonly onWrite: (outcome: 'written' | 'failed') => void;
}

/** Nothing is written before there is a plan: an empty state would say that the node has nothing to offer. */
export function reportState(options: StateReportOptions): StateReport {
  const { nodeName, source, interfaces, exposure, resources, held, parents, support, onState, onWrite } = options;
  const writer = observeWrites(openNodeStateWriter(source.origin, nodeName), onWrite);
  const reporter = reportNodeState({ writer, onState });
  let plan: NodePlan | undefined;
  /** An edit is one for many nodes; what happens to links and devices is this one's alone. */
  const lookAfterEdit = (): void => {
    const { origin } = source;
    look(origin.kind === 'cluster' ? { spreadMs: spreadMs(nodeName, origin.mostMatched) } : {});
  };
  const look = (options: ReportOptions = {}): void => {
    const node = source.snapshot.nodes.get(nodeName);
    if (plan === undefined || node === undefined) return;
    const served = describeServed(resources, held.current(), parents);
    reporter.report(
      buildNodeState({
        node,
        plan,
        served,
        interfaces: interfaces.current,
        exposure,
        policies: source.snapshot.policies,
        pluginVersion: packageFile.version,
        troubles: support.isThere ? [] : ['MacvtapUnsupported'],
      }),
      options,
    );
  };
  // An edit may leave the plan as it is, and still be one that the state must say it has seen.
  const changes = source.onChange(lookAfterEdit);
  return {
    onPlan(next, cause) {
      plan = next;
      if (cause === 'edit') lookAfterEdit();
      else look();
    },
    look: () => look(),
    refresh: reporter.refresh,
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]();
      await reporter[Symbol.asyncDispose]();
    },
  };
}

/** Of a resource that somebody else serves nothing is given out here, whatever else may be said of it. */
function describeServed(
  { current, waiting }: StateReportOptions['resources'],
  held: readonly HeldDevice[],
  parents: ParentLookup,
): readonly ReportedResource[] {
  const byResource = Map.groupBy(held, ({ resource }) => resource);
  return [...current.values()].map(({ name, resource, fault }) => {
    const { parent, mode, ...counts } = summarizeHeld(byResource.get(name) ?? [], resource, parents);
    if (resource === undefined) {
      return { drains: name, ...(parent !== undefined && { parent }), ...(mode !== undefined && { mode }), ...counts };
    }
    const isUpstreams = waiting.get(name)?.code === 'UpstreamPluginRunning';
    const reason = isUpstreams ? 'UpstreamPluginRunning' : fault;
    return { resource, ...counts, ...(reason !== undefined && { fault: reason }) };
  });
}
