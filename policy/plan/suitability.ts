// SPDX-License-Identifier: Apache-2.0
import type { ReasonCode } from '../reasons.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import type { Interfaces } from './interfaces.ts';
import type { Mode } from './mode.ts';
import { isLegalResourceName } from './resource-name.ts';

/** How an interface would be used. */
export interface Use {
  readonly resourceName: string;
  readonly mode: Mode;
  readonly allowHostInterface: boolean;
}

/** Why an interface cannot be used so; `by` names the master of an enslaved one. */
export interface Unsuitable {
  readonly code: ReasonCode;
  readonly by?: string;
}

/**
 * Whether an interface can be the parent of a resource, whatever the source; undefined when it can.
 *
 * - Loopback, NotEthernet: macvtap stands on Ethernet links (macvlan_validate, drivers/net/macvlan.c).
 * - MacvtapOrMacvlan: the kernel would take it and put the new link on the real parent below, so that two resources
 *   would share a parent unseen.
 * - Enslaved: a bond, team, bridge or OVS port has its receive handler taken (netdev_rx_handler_register, EBUSY). A VRF
 *   port has not.
 * - CarriesNodeTraffic: passthru takes the parent's own address and its traffic.
 * - IllegalResourceName: the interface's name would name the resource and kubelet would refuse it.
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
