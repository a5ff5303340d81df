// SPDX-License-Identifier: Apache-2.0
import { apiServerAddress, bridge } from './layout.ts';
import { ip } from './run.ts';

/** Makes the link between the nodes and the machine, with the addresses at which nodes reach the machine. */
export async function makeMachineNetwork(): Promise<void> {
  // Without a fixed MAC address, the bridge would use the lowest address of its ports. When a node is added or removed,
  // that address may change, but the ARP tables of other nodes would still have the old one.
  await ip(`link add ${bridge.name} address ${bridge.macAddress} type bridge`);
  await ip(`address add ${bridge.address}/${bridge.prefixLength} dev ${bridge.name}`);
  await ip(`address add ${apiServerAddress}/32 dev ${bridge.name}`);
  await ip(`link set ${bridge.name} up`);
}
