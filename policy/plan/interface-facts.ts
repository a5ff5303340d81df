// SPDX-License-Identifier: Apache-2.0
import { type MacvtapNetworkNodeState, macvtapNetworkNodeStateDefaults } from '../api/macvtap-network-node-state.ts';

/** An interface as a NodeState reports it: what the schema defaults may be absent. */
export type ReportedInterface = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['interfaces']>[number];

/**
 * What is known of one link of the node. Facts only: whether it may be a parent is decided by `suitability`.
 *
 * @example { name: 'bond1', kind: 'bond', ethernet: true, up: true, carrier: true, mtu: 1500, … }
 */
export type InterfaceFacts = ReportedInterface &
  Required<Pick<ReportedInterface, 'kind' | 'ethernet' | 'loopback' | 'up' | 'carrier' | 'mtu' | 'defaultRoute'>>;

const prefix = 'status.interfaces[].';

type Defaults = Pick<InterfaceFacts, 'kind' | 'ethernet' | 'loopback' | 'up' | 'carrier' | 'mtu' | 'defaultRoute'>;

const defaults = Object.fromEntries(
  Object.entries(macvtapNetworkNodeStateDefaults).map(([path, value]) => [path.slice(prefix.length), value]),
) as Defaults;

/** Fills what the schema defaults, for facts that did not pass an API server. */
export function readInterface(reported: ReportedInterface): InterfaceFacts {
  return { ...defaults, ...reported };
}
