// SPDX-License-Identifier: Apache-2.0
import { apiServerAddress, bridge } from './layout.ts';
import { ip } from './run.ts';

/** Makes the link that nodes are reached by, with the addresses that they reach the machine at. */
export async function makeMachineNetwork(): Promise<void> {
  // With an address of its own: else it has the lowest of its ports', which changes as nodes come, behind their ARP tables.
  await ip(`link add ${bridge.name} address ${bridge.macAddress} type bridge`);
  await ip(`address add ${bridge.address}/${bridge.prefixLength} dev ${bridge.name}`);
  await ip(`address add ${apiServerAddress}/32 dev ${bridge.name}`);
  await ip(`link set ${bridge.name} up`);
}
