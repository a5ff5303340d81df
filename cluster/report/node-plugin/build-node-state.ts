// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { compareNatural } from '../../../policy/names.ts';
import type { Policy } from '../../../policy/nodepolicy/read-policy.ts';
import { nodeStateLimits } from '../../../policy/nodestate/node-state-limits.ts';
import type { InterfaceFacts } from '../../../policy/plan/interfaces.ts';
import { matchNode, type NodeFacts } from '../../../policy/plan/match-labels.ts';
import { describeFinding, type Finding, type NodePlan, type PlannedResource } from '../../../policy/plan/node-plan.ts';
import type { ImplicitExposure } from '../../../policy/plan/plan-node.ts';
import type { Mode } from '../../../policy/plan/resource.ts';
import { type ReasonCode, reasons } from '../../../policy/reasons.ts';
import { chooseInterfaces } from './choose-interfaces.ts';

export type NodeStateStatus = NonNullable<MacvtapNetworkNodeState['status']>;

/** A resource as kubelet sees it, with the number of its devices that pods hold. */
export type ReportedResource = (WantedResource | DrainingResource) & {
  /** The number of devices that pods hold or may hold. Absent if it is unknown. */
  readonly held?: number;
  /** The number of held devices whose links were deleted, with the parent or without it. */
  readonly lost?: number;
  /** The number of held devices whose links have a lower MTU than ADD gave them. */
  readonly mtuLowered?: number;
  /** Held devices that still use another parent or mode than the resource now has. */
  readonly elsewhere?: readonly HeldPlace[];
  /** The number of devices that kubelet released, but whose links are still in sandboxes. */
  readonly stranded?: number;
};

/** A parent and mode, with the number of held devices that have used them since their allocation. */
export interface HeldPlace {
  readonly parent: string;
  readonly mode: Mode;
  readonly held: number;
}

/** A resource of the plan. If it has a `fault`, its free devices are reported to kubelet as Unhealthy. */
interface WantedResource {
  readonly resource: PlannedResource;
  readonly fault?: ReasonCode;
}

/**
 * A resource that remains only because pods hold its devices. Parent and mode are set if they are the same for all held
 * devices.
 */
interface DrainingResource {
  readonly drains: string;
  readonly parent?: string;
  readonly mode?: Mode;
}

export interface NodeStateFacts {
  readonly node: NodeFacts;
  readonly plan: NodePlan;
  /** The served resources. They may differ from the plan while pods hold devices (`ParentChanged`). */
  readonly served: readonly ReportedResource[];
  readonly interfaces: readonly InterfaceFacts[];
  /** The implicit exposure, or undefined if it is off. */
  readonly exposure?: ImplicitExposure | undefined;
  readonly policies: readonly Policy[];
  readonly pluginVersion: string;
  /** Reasons why the node cannot allocate any device. */
  readonly troubles?: readonly ReasonCode[];
  /** The API through which new pods get devices. Undefined until it is known. */
  readonly allocation?: 'DevicePlugin' | 'DRA' | undefined;
  /**
   * Troubles with their own messages, at most one for each code: VLANs that could not be created, or an API that the
   * node cannot use. Other resources stay Healthy.
   */
  readonly ownTroubles?: readonly { readonly code: ReasonCode; readonly message: string }[];
  /** The message of the trouble ExplicitInvalid. Unlike `troubles`, it does not affect the health of resources. */
  readonly explicitTrouble?: string | undefined;
}

/**
 * Builds the status of a MacvtapNetworkNodeState. All lists are sorted, so that the same facts always produce an equal
 * status. No field contains the name of a pod.
 */
export function buildNodeState(facts: NodeStateFacts): NodeStateStatus {
  const { node, plan, served, interfaces, exposure, policies, pluginVersion, troubles = [], explicitTrouble } = facts;
  const { ownTroubles = [], allocation } = facts;
  const chosen = chooseInterfaces(interfaces, plan, served.flatMap(parentsOf), exposure);
  const names = new Set(chosen.map(({ name }) => name));
  const byName = new Map(interfaces.map((nic) => [nic.name, nic]));
  const resources = served
    .map((reported) => toResource(reported, byName, troubles[0]))
    .sort((left, right) => compareNatural(left.name, right.name))
    .slice(0, nodeStateLimits.resources);
  return {
    pluginVersion,
    source: plan.source,
    ...(allocation !== undefined && { allocation }),
    counts: count(resources),
    troubles: [
      ...troubles.map((code) => ({ code, message: reasons[code] })),
      ...ownTroubles.map(({ code, message }) => ({ code, message: message.slice(0, longestMessage) })),
      ...(explicitTrouble === undefined
        ? []
        : [{ code: 'ExplicitInvalid', message: explicitTrouble.slice(0, longestMessage) }]),
    ],
    interfaces: [...chosen],
    resources,
    // Implicit exposure has a finding for every link that it skips. Findings about links that the state does not list
    // are omitted.
    skipped: [
      ...toReportedFindings(
        groupByReason(
          plan.skipped.filter(
            ({ source, interface: nic }) => source !== 'implicit' || nic === undefined || names.has(nic),
          ),
        ),
      ),
    ],
    conflicts: [...toReportedFindings(plan.conflicts.map((finding) => [finding]))],
    observedPolicies: policies
      .filter(({ nodes }) => matchNode(node, nodes))
      .flatMap(({ id, generation }) => (generation === undefined ? [] : [{ name: id, generation }]))
      .sort((left, right) => (left.name < right.name ? -1 : 1))
      .slice(0, nodeStateLimits.observedPolicies),
  };
}

/** Returns the parents of a resource: its current parent, and the parents of held devices that use another one. */
function parentsOf(reported: ReportedResource): readonly (string | undefined)[] {
  const parent = 'drains' in reported ? reported.parent : reported.resource.parent;
  return [parent, ...(reported.elsewhere ?? []).map((place) => place.parent)];
}

type Resource = NonNullable<NodeStateStatus['resources']>[number];

function toResource(
  reported: ReportedResource,
  interfaces: ReadonlyMap<string, InterfaceFacts>,
  trouble: ReasonCode | undefined,
): Resource {
  const { held, lost = 0, mtuLowered = 0, stranded = 0, elsewhere = [] } = reported;
  const counts = {
    ...(held !== undefined && { held }),
    ...(lost > 0 && { lost }),
    ...(mtuLowered > 0 && { mtuLowered }),
    ...(elsewhere.length > 0 && { heldElsewhere: [...elsewhere] }),
  };
  if ('drains' in reported) {
    const { drains: name, parent, mode } = reported;
    const place = { ...(parent !== undefined && { parent }), ...(mode !== undefined && { mode }) };
    return { name, ...place, source: 'none', quantity: 0, ...counts, health: 'Unhealthy', code: 'Draining' };
  }
  const { name, parent, mode, source, policy, entry, quantity } = reported.resource;
  const nic = interfaces.get(parent);
  return {
    name,
    parent,
    mode,
    source,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    quantity,
    ...counts,
    ...healthOf(nic, reported.fault ?? trouble, { lost, stranded, mtuLowered }),
  };
}

/**
 * Returns the health of a resource. If its parent is down or has no carrier, the resource is only Degraded, because its
 * devices can still be allocated.
 */
function healthOf(
  nic: InterfaceFacts | undefined,
  fault: ReasonCode | undefined,
  { lost, stranded, mtuLowered }: Readonly<Record<'lost' | 'stranded' | 'mtuLowered', number>>,
): Pick<Resource, 'health' | 'code'> {
  if (fault !== undefined) return { health: 'Unhealthy', code: fault };
  if (nic === undefined) return { health: 'Unhealthy', code: 'NothingFound' };
  if (lost > 0) return { health: 'Degraded', code: 'LinksLost' };
  if (stranded > 0) return { health: 'Degraded', code: 'AttachmentsStranded' };
  if (!nic.up) return { health: 'Degraded', code: 'LinkDown' };
  if (!nic.carrier) return { health: 'Degraded', code: 'NoCarrier' };
  if (mtuLowered > 0) return { health: 'Degraded', code: 'MtuLowered' };
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

type ReportedFinding = NonNullable<NodeStateStatus['conflicts']>[number];

/**
 * Returns findings as a list with unique names. A name has the source and the interface or resource, such as
 * `macvtap-cni/policy-1[2] eth2`. If the name is taken, it also gets the code.
 */
function toReportedFindings(groups: readonly (readonly Finding[])[]): readonly ReportedFinding[] {
  const reported = new Map<string, ReportedFinding>();
  for (const group of groups) {
    const subjects = group.map(nameOf);
    const name = subjects.find((subject) => !reported.has(subject)) ?? `${subjects[0]} ${group[0]?.code}`;
    if (reported.has(name) || reported.size === nodeStateLimits.skipped) continue;
    reported.set(name, toReported(name, group as [Finding, ...Finding[]]));
  }
  return [...reported.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Groups findings that differ only in their interface, because an entry can skip most interfaces of a node. */
function groupByReason(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const keyOf = ({ interface: nic, resource, ...rest }: Finding) =>
    JSON.stringify([nic === undefined, resource === nic ? undefined : resource, rest]);
  return [...Map.groupBy(findings, keyOf).values()];
}

function toReported(name: string, findings: readonly [Finding, ...Finding[]]): ReportedFinding {
  const [first] = findings;
  const { code, policy, entry, by } = first;
  return {
    name,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    ...(by !== undefined && { by }),
    code,
    message: describeFinding(withInterfaces(first, findings)).slice(0, longestMessage),
  };
}

/** Returns the first finding with the names of the first eight interfaces, and the number of the others. */
function withInterfaces(first: Finding, findings: readonly Finding[]): Finding {
  const names = [...new Set(findings.map(({ interface: nic = '' }) => nic))].toSorted(compareNatural);
  if (names.length === 1) return first;
  const { resource, ...rest } = first;
  const shown = `${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`;
  return { ...rest, interface: shown, ...(resource !== undefined && resource !== rest.interface && { resource }) };
}

const longestMessage = 1_024;
/**
 * The maximum number of characters of the name before its code: the limit of 255 in the schema, minus the longest code
 * and a space.
 */
const longestSubject = 190;

function nameOf({ source, policy, entry, interface: nic, resource }: Finding): string {
  const origin = `${policy ?? source}${entry === undefined ? '' : `[${entry}]`}`;
  const about = nic ?? resource;
  return (about === undefined ? origin : `${origin} ${about}`).slice(-longestSubject);
}
