// SPDX-License-Identifier: Apache-2.0

import {
  buildNodeState,
  type HeldPlace,
  type ReportedResource,
} from '../../cluster/report/node-plugin/build-node-state.ts';
import { openNodeStateWriter, reportWriteOutcomes } from '../../cluster/report/node-plugin/node-state-writer.ts';
import { type ReportOptions, reportNodeState, spreadMs } from '../../cluster/report/node-plugin/report-node-state.ts';
import type { LiveSource, Snapshot } from '../../cluster/source.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { compareNatural } from '../../policy/names.ts';
import { explicitTrouble, findExplicitErrors } from '../../policy/plan/from-explicit.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { ImplicitExposure } from '../../policy/plan/plan-node.ts';
import type { Mode } from '../../policy/plan/resource.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { Dra } from '../dra/open-dra.ts';
import type { MacvtapSupport } from '../links/open-node-links.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import type { VlanManager } from '../vlans/manage-vlans.ts';
import type { StrandedWatch } from './collect-orphans.ts';
import type { HeldTracker } from './held-tracker.ts';
import type { ResourcePlugins } from './resource-plugins.ts';
import { type HeldDevice, hasLink, type ParentLookup, usesParent } from './served-resource.ts';
import type { AttachedLinks } from './watch-attached-links.ts';

/** Keeps the node's MacvtapNetworkNodeState up to date with the served resources. */
export interface StateReport extends AsyncDisposable {
  /** Must be called after a new plan was applied. */
  onPlan(plan: NodePlan, cause: 'edit' | 'links'): void;
  /** Must be called after any other change on the node, for example of held devices or of a registration. */
  look(): void;
  /** Writes the state again, because another client may have changed it. */
  refresh(): void;
}

export interface StateReportOptions {
  readonly nodeName: string;
  readonly source: LiveSource;
  readonly interfaces: Pick<InterfaceWatch, 'current'>;
  readonly exposure: ImplicitExposure | undefined;
  readonly resources: Pick<ResourcePlugins, 'current' | 'waiting'>;
  readonly held: Pick<HeldTracker, 'current'>;
  readonly stranded: Pick<StrandedWatch, 'current'>;
  readonly attachedLinks: Pick<AttachedLinks, 'current'>;
  readonly parents: ParentLookup;
  readonly support: Pick<MacvtapSupport, 'isThere'>;
  readonly vlans: Pick<VlanManager, 'troubles'>;
  readonly dra: Pick<Dra, 'allocation' | 'trouble'>;
  /** The installation's namespace. It contains the explicit configuration: macvtap-cni's config map. */
  readonly namespace: string;
  readonly onState: (error: MacvtapError | undefined) => void;
  /** Called at each report with the problem of the explicit configuration, or with undefined if there is none. */
  readonly onExplicit: (trouble: string | undefined) => void;
  /** Called after each write. */
  readonly onWrite: (outcome: 'written' | 'failed') => void;
}

/**
 * Reports the state, until disposed. Writes nothing before the first plan, because an empty state would mean that the
 * node offers no resources.
 */
export function reportState(options: StateReportOptions): StateReport {
  const { nodeName, source, interfaces, exposure, resources, held, stranded, attachedLinks, parents, support, vlans } =
    options;
  const { onState, onWrite, onExplicit, namespace, dra } = options;
  const writer = reportWriteOutcomes(openNodeStateWriter(source.origin, nodeName), onWrite);
  const reporter = reportNodeState({ writer, onState });
  let plan: NodePlan | undefined;
  /**
   * Reports the state after an edit of a policy or another object that the plan depends on. Such an edit may concern
   * many nodes, so each node delays its write by a different time. A change of links or devices concerns only this node
   * and is written immediately.
   */
  const lookAfterEdit = (): void => {
    const { origin } = source;
    look(origin.kind === 'cluster' ? { spreadMs: spreadMs(nodeName, origin.mostMatched) } : {});
  };
  const look = (options: ReportOptions = {}): void => {
    const node = source.snapshot.nodes.get(nodeName);
    if (plan === undefined || node === undefined) return;
    const served = describeServed(resources, held.current(), stranded.current, attachedLinks.current.lowered, parents);
    const explicit = findExplicitTrouble(plan, source, namespace);
    onExplicit(explicit);
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
        allocation: dra.allocation,
        ownTroubles: [
          ...vlans.troubles,
          ...(dra.trouble === undefined ? [] : [{ code: 'DraUnavailable' as const, message: dra.trouble }]),
        ],
        explicitTrouble: explicit,
      }),
      options,
    );
  };
  // Every edit is reported, because it changes the observed generations in the state even if the plan stays the same.
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

/**
 * Returns the problem of an invalid explicit configuration. Returns undefined for a node that a policy selects, because
 * such a node does not use the configuration. Errors that the source found come first: the snapshot may then still
 * contain the last valid version, which has no errors.
 */
export function findExplicitTrouble(
  { source: from }: Pick<NodePlan, 'source'>,
  { faults, snapshot }: Pick<LiveSource, 'faults'> & { readonly snapshot: Pick<Snapshot, 'explicit'> },
  namespace: string,
): string | undefined {
  if (from === 'policy') return undefined;
  const rejected = faults.flatMap(({ explicit }) => explicit ?? []);
  const texts = rejected.length > 0 ? rejected : findExplicitErrors(snapshot.explicit).map(({ text }) => text);
  return explicitTrouble(texts, namespace);
}

/**
 * Describes the served resources. UpstreamPluginRunning takes precedence over other errors, because no device can be
 * allocated while the plugin of macvtap-cni runs.
 */
function describeServed(
  { current, waiting }: StateReportOptions['resources'],
  held: readonly HeldDevice[],
  stranded: StrandedWatch['current'],
  lowered: AttachedLinks['current']['lowered'],
  parents: ParentLookup,
): readonly ReportedResource[] {
  const byResource = Map.groupBy(held, ({ resource }) => resource);
  const heldIDs = new Set(held.map(({ id }) => id));
  const heldAndLowered = lowered.filter(({ id }) => heldIDs.has(id));
  return [...current.values()].map(({ name, resource, fault }) => {
    const countOf = (devices: StrandedWatch['current']) =>
      devices.filter(({ record }) => record.resource === name).length;
    const { parent, mode, ...summary } = summarizeHeld(byResource.get(name) ?? [], resource, parents);
    const counts = { ...summary, mtuLowered: countOf(heldAndLowered) };
    if (resource === undefined) {
      return { drains: name, ...(parent !== undefined && { parent }), ...(mode !== undefined && { mode }), ...counts };
    }
    const isUpstreams = waiting.get(name)?.code === 'UpstreamPluginRunning';
    const reason = isUpstreams ? 'UpstreamPluginRunning' : fault;
    return { resource, ...counts, stranded: countOf(stranded), ...(reason !== undefined && { fault: reason }) };
  });
}

/** The held devices of one resource. */
export interface HeldSummary {
  readonly held: number;
  /**
   * How many of the held devices have no link: their parent is gone, or only the link was lost. Devices without a known
   * parent are not counted.
   */
  readonly lost: number;
  /** The parent of all held devices, under its present name. Absent if their parents differ or are unknown. */
  readonly parent?: string;
  readonly mode?: Mode;
  /**
   * The held devices whose parent or mode differs from the resource's, grouped by parent and mode. Such devices exist
   * after an edit of a policy, because an edit does not move held devices.
   */
  readonly elsewhere: readonly HeldPlace[];
}

/** The parent and mode of new devices. Undefined for a draining resource, which allocates no new devices. */
export type ResourcePlace = { readonly parent: string; readonly mode: Mode } | undefined;

/** Summarizes the held devices of one resource. */
export function summarizeHeld(
  held: readonly HeldDevice[],
  resource: ResourcePlace,
  parents: ParentLookup,
): HeldSummary {
  const devices = held.map((device) => renameParent(device, parents));
  const parent = common(devices.map((device) => device.parent));
  const mode = common(devices.map((device) => device.mode));
  const isLost = (device: HeldDevice) => device.parent !== undefined && !hasLink(device, undefined, parents);
  // A draining resource has no parent and mode, so the common parent and mode of its devices are used.
  const isThere = resource ? usesParent(resource.parent, parents) : (device: HeldDevice) => device.parent === parent;
  const placeMode = resource ? resource.mode : mode;
  const moved = devices.filter((device) => !isLost(device) && !(device.mode === placeMode && isThere(device)));
  return {
    held: devices.length,
    lost: devices.filter(isLost).length,
    ...(parent !== undefined && { parent }),
    ...(mode !== undefined && { mode }),
    elsewhere: placesOf(moved),
  };
}

/**
 * Returns the device with its parent's present name. The ledger has the name that the parent had during Allocate. The
 * interface may have been renamed since.
 */
function renameParent(device: HeldDevice, parents: ParentLookup): HeldDevice {
  const parent = device.parentIfindex === undefined ? undefined : parents.nameOf(device.parentIfindex);
  return parent === undefined ? device : { ...device, parent };
}

function common<Value>(values: readonly Value[]): Value | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function placesOf(devices: readonly HeldDevice[]): readonly HeldPlace[] {
  const known = devices.flatMap(({ parent, mode }) => (parent && mode ? [{ parent, mode }] : []));
  const byPlace = Map.groupBy(known, ({ parent, mode }) => `${parent}/${mode}`);
  return [...byPlace]
    .sort(([left], [right]) => compareNatural(left, right))
    .flatMap(([, its]) => its.slice(0, 1).map((place) => ({ ...place, held: its.length })));
}
