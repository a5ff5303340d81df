// SPDX-License-Identifier: Apache-2.0
import { type ReasonCode, reasons } from '../reasons.ts';
import type { CarrierLoss, Mode } from './resource.ts';

/**
 * The time in which a healthy node applies an edited policy and reports the result. If many nodes must report, they
 * spread their reports over more time; see spreadMs. The time that a condition must persist before the webhook emits an
 * event is a multiple of this value.
 */
export const nodeReportMs = 1_000;

/** The source of a node's resources; `none` if no source applies. */
export type SourceName = 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';

/** The policy, configuration entry or label that requests a resource. */
export interface Origin {
  readonly source: Exclude<SourceName, 'none'>;
  /** `namespace/name` if the source is a policy. */
  readonly policy?: string;
  /** Index in the policy's parentSelector, or in the list of the explicit configuration. */
  readonly entry?: number;
}

/** A resource of a node: its parent, its mode and its number of devices. */
export interface PlannedResource extends Origin {
  /** The name without the prefix: `dataplane`. */
  readonly name: string;
  /** The name of the interface. */
  readonly parent: string;
  /**
   * Set if the entry has `vlan`: the VLAN ID, and the name of the interface below the VLAN. The parent is then the
   * VLAN. The node plugin creates it if it does not exist.
   */
  readonly vlan?: { readonly lower: string; readonly id: number };
  readonly mode: Mode;
  readonly quantity: number;
  /** NUMA nodes for kubelet's topology hint. A bond has those of its members. If empty, there is no hint. */
  readonly numaNodes: readonly number[];
  readonly needVhostNet: boolean;
  /** The effect of a parent without a carrier, if the node uses DRA. Absent for the default; see readCarrierLoss. */
  readonly carrierLoss?: CarrierLoss;
}

/**
 * Why an entry, tag or interface did not become a resource. Which optional fields are present depends on the code; see
 * docs/reference/reasons.md.
 *
 * @example { code: 'Enslaved', source: 'policy', policy: 'macvtap-cni/p', entry: 0, interface: 'eth1', by: 'bond1' }
 */
export interface Finding extends Origin {
  readonly code: ReasonCode;
  readonly interface?: string;
  readonly resource?: string;
  /**
   * The policy, resource or interface with precedence, the master of an enslaved interface, or the link that blocks a
   * VLAN.
   */
  readonly by?: string;
  /** The invalid text, for example a label's value or a field's path. */
  readonly value?: string;
}

/** The plan of one node. */
export interface NodePlan {
  readonly node: string;
  readonly source: SourceName;
  /** The resources, sorted by name. */
  readonly resources: readonly PlannedResource[];
  readonly skipped: readonly Finding[];
  readonly conflicts: readonly Finding[];
}

/** Describes a finding in one line: origin, place, reason and the relevant values. */
export function describeFinding(finding: Finding): string {
  return `${originOf(finding)}${placeOf(finding)}: ${describeReason(finding)}`;
}

/** Describes findings with the same origin and reason in one line: `macvtap-cni/p[0] eth0, [2] eth1 as data: …`. */
export function describeTogether(findings: readonly [Finding, ...Finding[]]): string {
  const [first] = findings;
  const places = findings.map((finding) => placeOf(finding)).filter((place) => place !== '');
  return `${originOf(first)}${places.map((place, at) => (at === 0 ? place : place.trimStart())).join(', ')}: ${describeReason(first)}`;
}

/** Describes the reason and the relevant values: `a port of another interface, such as a bond; … (master: bond1)`. */
export function describeReason({ code, value, by }: Finding): string {
  const other = by === undefined ? undefined : `${otherNames[code] ?? 'first'}: ${by}`;
  const values = [value, other].filter((part) => part !== undefined);
  return `${reasons[code]}${values.length === 0 ? '' : ` (${values.join(', ')})`}`;
}

/** The word before `by` in a message, for the codes where `by` is not the winner: `(master: bond1)`. */
const otherNames: Partial<Record<ReasonCode, string>> = {
  Enslaved: 'master',
  VlanProtocol: 'link',
  VlanNameTaken: 'link',
};

function originOf({ source, policy }: Finding): string {
  return policy ?? source;
}

/** Returns the text that follows the origin: the entry, then its interface or resource, as in `[2] eth2 as data`. */
function placeOf({ entry, interface: nic, resource }: Finding): string {
  const about = [nic, resource === nic ? undefined : resource].filter((part) => part !== undefined).join(' as ');
  return `${entry === undefined ? '' : `[${entry}]`}${about === '' ? '' : ` ${about}`}`;
}
