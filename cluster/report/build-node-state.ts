// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { matchNode, type NodeFacts } from '../../policy/plan/match-node.ts';
import type { Mode } from '../../policy/plan/mode.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import { chooseInterfaces } from './choose-interfaces.ts';
import { toReportedFindings } from './report-findings.ts';

export type NodeStateStatus = NonNullable<MacvtapNetworkNodeState['status']>;

/** A resource as kubelet is told of it, and how many of its devices pods hold. */
export type ReportedResource = (WantedResource | DrainingResource) & {
  /** Held, or perhaps held; absent where nobody knows. */
  readonly held?: number;
  /** Of these, whose links went with the parent. */
  readonly lost?: number;
  /** Of these, what stands where the resource does not stand by now; in an order of its own. */
  readonly elsewhere?: readonly HeldPlace[];
};

/** What so many held devices stand on since they were given out. */
export interface HeldPlace {
  readonly parent: string;
  readonly mode: Mode;
  readonly held: number;
}

/** One that something asks for; with a fault nothing of it is given out. */
interface WantedResource {
  readonly resource: PlannedResource;
  readonly fault?: ReasonCode;
}

/** One that is left only for the pods that hold its devices: what they stand on, where that is the same for all. */
interface DrainingResource {
  readonly drains: string;
  readonly parent?: string;
  readonly mode?: Mode;
}

export interface NodeStateFacts {
  readonly node: NodeFacts;
  readonly plan: NodePlan;
  /** What is served, which may lag behind the plan for the sake of pods: `ParentChanged`. */
  readonly served: readonly ReportedResource[];
  readonly interfaces: readonly InterfaceFacts[];
  /** What the node exposes where nothing else applies to it; undefined for nothing. */
  readonly exposure?: ImplicitExposure | undefined;
  readonly policies: readonly Policy[];
  readonly pluginVersion: string;
  /** What keeps the node from giving out any device. */
  readonly troubles?: readonly ReasonCode[];
}

/**
 * What a node's plugin says of its node. Everything is in an order of its own, so that the same facts give an equal
 * status; nothing in it names a pod.
 */
export function buildNodeState(facts: NodeStateFacts): NodeStateStatus {
  const { node, plan, served, interfaces, exposure, policies, pluginVersion, troubles = [] } = facts;
  const chosen = chooseInterfaces(interfaces, plan, served, exposure);
  const names = new Set(chosen.map(({ name }) => name));
  const resources = served
    .map((reported) => toResource(reported, interfaces, troubles[0]))
    .sort((left, right) => compareNatural(left.name, right.name));
  return {
    pluginVersion,
    source: plan.source,
    counts: count(resources),
    troubles: troubles.map((code) => ({ code, message: reasons[code] })),
    interfaces: [...chosen],
    resources,
    // Implicit exposure looks at every link; of those that are not reported nobody wants to know why.
    skipped: [
      ...toReportedFindings(
        plan.skipped.filter(
          ({ source, interface: nic }) => source !== 'implicit' || nic === undefined || names.has(nic),
        ),
      ),
    ],
    conflicts: [...toReportedFindings(plan.conflicts)],
    observedPolicies: policies
      .filter(({ nodes }) => matchNode(node, nodes))
      .flatMap(({ id, generation }) => (generation === undefined ? [] : [{ name: id, generation }]))
      .sort((left, right) => (left.name < right.name ? -1 : 1)),
  };
}

type Resource = NonNullable<NodeStateStatus['resources']>[number];

function toResource(
  reported: ReportedResource,
  interfaces: readonly InterfaceFacts[],
  trouble: ReasonCode | undefined,
): Resource {
  const { held, lost = 0, elsewhere = [] } = reported;
  const counts = {
    ...(held !== undefined && { held }),
    ...(lost > 0 && { lost }),
    ...(elsewhere.length > 0 && { heldElsewhere: [...elsewhere] }),
  };
  if ('drains' in reported) {
    const { drains: name, parent, mode } = reported;
    const place = { ...(parent !== undefined && { parent }), ...(mode !== undefined && { mode }) };
    return { name, ...place, source: 'none', quantity: 0, ...counts, health: 'Unhealthy', code: 'Draining' };
  }
  const { name, parent, mode, source, policy, entry, quantity } = reported.resource;
  const nic = interfaces.find((each) => each.name === parent);
  return {
    name,
    parent,
    mode,
    source,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    quantity,
    ...counts,
    ...healthOf(nic, reported.fault ?? trouble, lost > 0),
  };
}

/** A link that is down, or has no carrier, makes no device Unhealthy: both heal, and kubelet would restart pods. */
function healthOf(
  nic: InterfaceFacts | undefined,
  fault: ReasonCode | undefined,
  someLost: boolean,
): Pick<Resource, 'health' | 'code'> {
  if (fault !== undefined) return { health: 'Unhealthy', code: fault };
  if (nic === undefined) return { health: 'Unhealthy', code: 'NothingFound' };
  if (someLost) return { health: 'Degraded', code: 'LinksLost' };
  if (!nic.up) return { health: 'Degraded', code: 'LinkDown' };
  if (!nic.carrier) return { health: 'Degraded', code: 'NoCarrier' };
  return { health: 'Healthy' };
}

function count(resources: readonly Resource[]): NonNullable<NodeStateStatus['counts']> {
  const sum = (read: (resource: Resource) => number) => resources.reduce((total, each) => total + read(each), 0);
  return {
    resources: resources.length,
    devices: sum(({ quantity }) => quantity),
    held: sum(({ held = 0 }) => held),
    unhealthy: resources.filter(({ health }) => health !== 'Healthy').length,
  };
}
