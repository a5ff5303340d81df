// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { matchNode, type NodeFacts } from '../../policy/plan/match-node.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import type { ReasonCode } from '../../policy/reasons.ts';
import { chooseInterfaces } from './choose-interfaces.ts';
import { toReportedFindings } from './report-findings.ts';

export type NodeStateStatus = NonNullable<MacvtapNetworkNodeState['status']>;

/** A resource as kubelet is told of it; with a fault nothing of it is given out. */
export interface ReportedResource {
  readonly resource: PlannedResource;
  readonly fault?: ReasonCode;
  /** How many of its devices pods hold, or may hold; absent where nobody knows. */
  readonly held?: number;
}

export interface NodeStateFacts {
  readonly node: NodeFacts;
  readonly plan: NodePlan;
  /** What is served, which may lag behind the plan for the sake of pods: `ParentChanged`. */
  readonly served: readonly ReportedResource[];
  readonly interfaces: readonly InterfaceFacts[];
  readonly policies: readonly Policy[];
  readonly pluginVersion: string;
}

/**
 * What a node's plugin says of its node. Everything is in an order of its own, so that the same facts give an equal
 * status; nothing in it names a pod.
 */
export function buildNodeState(facts: NodeStateFacts): NodeStateStatus {
  const { node, plan, served, interfaces, policies, pluginVersion } = facts;
  const chosen = chooseInterfaces(interfaces, plan, served);
  const names = new Set(chosen.map(({ name }) => name));
  return {
    pluginVersion,
    source: plan.source,
    interfaces: [...chosen],
    resources: served
      .map((reported) => toResource(reported, interfaces))
      .sort((left, right) => compareNatural(left.name, right.name)),
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

function toResource({ resource, fault, held }: ReportedResource, interfaces: readonly InterfaceFacts[]): Resource {
  const { name, parent, mode, source, policy, quantity } = resource;
  return {
    name,
    parent,
    mode,
    source,
    ...(policy !== undefined && { policy }),
    quantity,
    ...(held !== undefined && { held }),
    ...healthOf(
      interfaces.find((nic) => nic.name === parent),
      fault,
    ),
  };
}

/** A link that is down, or has no carrier, makes no device Unhealthy: both heal, and kubelet would restart pods. */
function healthOf(nic: InterfaceFacts | undefined, fault: ReasonCode | undefined): Pick<Resource, 'health' | 'code'> {
  if (fault !== undefined) return { health: 'Unhealthy', code: fault };
  if (nic === undefined) return { health: 'Unhealthy', code: 'NothingFound' };
  if (!nic.up) return { health: 'Degraded', code: 'LinkDown' };
  if (!nic.carrier) return { health: 'Degraded', code: 'NoCarrier' };
  return { health: 'Healthy' };
}
