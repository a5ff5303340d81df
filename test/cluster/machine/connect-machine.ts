// SPDX-License-Identifier: Apache-2.0
import { bridge, type NodePlan, nodeAddress, podRange, wireMTU, wireName } from '../layout.ts';
import { makeWire, removeLink, setRoutesTo } from '../node/node-network.ts';
import { ip } from '../run.ts';
import { cardsOf } from './nics.ts';

/** Makes the taps of a machine's cards, and connects each to the wire of its name, or the uplink to the cluster. */
export async function connectMachine(plan: NodePlan, others: readonly NodePlan[]): Promise<void> {
  for (const { tap, wire } of tapsOf(plan)) {
    await ip(`tuntap add dev ${tap} mode tap`);
    await ip(`link set ${tap} mtu ${wire === undefined ? 1500 : wireMTU}`);
    await ip(`link set ${tap} master ${wire === undefined ? bridge.name : await makeWire(wire)} up`);
  }
  await ip(`route replace ${podRange(plan)} via ${nodeAddress(plan)}`);
  await setRoutesTo('replace', plan, others);
}

/** Removes what connectMachine made, and the wires that no other node uses. */
export async function disconnectMachine(plan: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await setRoutesTo('delete', plan, others);
  for (const { tap } of tapsOf(plan)) await removeLink(tap);
  await ip(`route delete ${podRange(plan)}`);
  const wired = new Set(others.flatMap(({ interfaces }) => interfaces));
  for (const nic of plan.interfaces.filter((name) => !wired.has(name))) await removeLink(wireName(nic));
}

function tapsOf(plan: NodePlan): readonly { readonly tap: string; readonly wire?: string }[] {
  return cardsOf(plan).flatMap(({ cable }) => ('tap' in cable ? [cable] : []));
}
