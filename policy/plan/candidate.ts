// SPDX-License-Identifier: Apache-2.0

import type { ReasonCode } from '../reasons.ts';
import type { InterfaceFacts, Interfaces } from './interfaces.ts';
import type { Finding, Origin } from './node-plan.ts';
import { type CarrierLoss, isLegalResourceName, type Mode } from './resource.ts';

/** A requested resource with its interface, before conflicts are resolved. */
export interface Candidate extends Origin {
  readonly name: string;
  readonly nic: InterfaceFacts;
  /** Set if the entry has `vlan`: `nic` is then the VLAN, and the node plugin creates it if it does not exist. */
  readonly vlan?: { readonly lower: InterfaceFacts; readonly id: number };
  readonly mode: Mode;
  readonly quantity: number;
  readonly excludeTopology: boolean;
  readonly needVhostNet: boolean;
  /** Absent for the default; see readCarrierLoss. */
  readonly carrierLoss?: CarrierLoss;
}

/** The result of one source for a node: candidates, highest precedence first, and findings about everything else. */
export interface SourceResult {
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly Finding[];
}

/**
 * Returns a candidate with defaults for the fields that only a policy can set. The other sources use it: the explicit
 * configuration, tags and implicit exposure.
 */
export function plainCandidate(
  origin: Origin,
  name: string,
  nic: InterfaceFacts,
  mode: Mode,
  quantity: number,
): Candidate {
  return { ...origin, name, nic, mode, quantity, excludeTopology: false, needVhostNet: false };
}

/** How a resource would use an interface. */
export interface Use {
  readonly resourceName: string;
  readonly mode: Mode;
  readonly allowHostInterface: boolean;
}

/**
 * Why a resource cannot use an interface. `by` is the name of the interface's master, or of the link that blocks a
 * VLAN.
 */
export interface Unsuitable {
  readonly code: ReasonCode;
  readonly by?: string;
}

/**
 * Returns why an interface cannot be the parent of a resource, or undefined if it can. The same checks apply to all
 * sources.
 *
 * - Loopback, NotEthernet: macvtap needs an Ethernet link (macvlan_validate, drivers/net/macvlan.c).
 * - MacvtapOrMacvlan: the kernel would put the new link on the parent of this interface. The plan finds conflicts by
 *   the name of the interface. So it would not find a conflict with a passthru resource on that parent.
 * - Enslaved: the receive handler of a bond, team, bridge or OVS port is already in use (netdev_rx_handler_register,
 *   EBUSY). A VRF port is suitable, because its receive handler is free.
 * - CarriesNodeTraffic: passthru takes over the parent's MAC address and its traffic.
 * - IllegalResourceName: kubelet would reject the resource's name, which may be the interface's name.
 */
export function checkSuitability(nic: InterfaceFacts, use: Use, interfaces: Interfaces): Unsuitable | undefined {
  if (nic.loopback) return { code: 'Loopback' };
  if (!nic.ethernet) return { code: 'NotEthernet' };
  if (nic.kind === 'macvtap' || nic.kind === 'macvlan') return { code: 'MacvtapOrMacvlan' };
  if (nic.master !== undefined && nic.master.kind !== 'vrf') return { code: 'Enslaved', by: nic.master.name };
  if (!isLegalResourceName(use.resourceName)) return { code: 'IllegalResourceName' };
  if (use.mode === 'passthru' && !use.allowHostInterface && interfaces.carriesNodeTraffic(nic)) {
    return { code: 'CarriesNodeTraffic' };
  }
  return undefined;
}
