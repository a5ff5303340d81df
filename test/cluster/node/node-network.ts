// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import {
  bridge,
  type NodePlan,
  namespaceName,
  nicPort,
  nodeAddress,
  podRange,
  uplink,
  uplinkPort,
  wireName,
} from '../layout.ts';
import { ip } from '../run.ts';

/** The largest MTU that tests use, which is also the proposal's: 9000. */
const wireMTU = 9000;

/**
 * Makes a node's network namespace with its uplink to the machine, and with its NICs. NICs with the same name share one
 * wire, which is a bridge on the machine.
 */
export async function makeNodeNetwork(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  const namespace = namespaceName(node.name);
  await ip(`netns add ${namespace}`);
  await ip(`-n ${namespace} link set lo up`);
  await plug(node, uplink, uplinkPort(node), bridge.name);
  await ip(`-n ${namespace} address add ${nodeAddress(node)}/${bridge.prefixLength} dev ${uplink}`);
  await ip(`-n ${namespace} route add default via ${bridge.address}`);
  // The node forwards the packets of its pods to other nodes and to the machine.
  await ip(`netns exec ${namespace} sysctl -q -w net.ipv4.ip_forward=1`);
  for (const nic of node.interfaces) await plug(node, nic, nicPort(node, nic), await makeWire(nic), wireMTU);
  await ip(`route replace ${podRange(node)} via ${nodeAddress(node)}`);
  for (const other of others) {
    await ip(`-n ${namespace} route replace ${podRange(other)} via ${nodeAddress(other)}`);
    await ip(`-n ${namespaceName(other.name)} route replace ${podRange(node)} via ${nodeAddress(node)}`);
  }
}

/** Removes what makeNodeNetwork made, and the wires that no other node uses. */
export async function removeNodeNetwork(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  for (const other of others) {
    await ip(`-n ${namespaceName(other.name)} route delete ${podRange(node)}`);
  }
  await ip(`netns delete ${namespaceName(node.name)}`);
  // The kernel dismantles a namespace some time later. Removing the machine's ends removes the veth pairs at once.
  for (const port of [uplinkPort(node), ...node.interfaces.map((nic) => nicPort(node, nic))]) await removeLink(port);
  await ip(`route delete ${podRange(node)}`);
  const wired = new Set(others.flatMap(({ interfaces }) => interfaces));
  for (const nic of node.interfaces.filter((name) => !wired.has(name))) await removeLink(wireName(nic));
}

export async function removeLink(name: string): Promise<void> {
  if (!existsSync(`/sys/class/net/${name}`)) return;
  await ip(`link delete ${name}`).catch((thrown: unknown) => {
    // If the peer was deleted in the meantime, the link is already gone.
    if (existsSync(`/sys/class/net/${name}`)) throw thrown;
  });
}

/** Connects an interface of a node to a bridge of the machine. */
async function plug(node: NodePlan, nic: string, port: string, onto: string, mtu = 1500): Promise<void> {
  const namespace = namespaceName(node.name);
  await ip(`link add ${port} mtu ${mtu} type veth peer name ${nic} mtu ${mtu} netns ${namespace}`);
  await ip(`link set ${port} master ${onto} up`);
  await ip(`-n ${namespace} link set ${nic} up`);
}

/** Makes the bridge of all NICs of a name. Macvtaps on those NICs reach each other on any node. */
async function makeWire(nic: string): Promise<string> {
  const name = wireName(nic);
  if (existsSync(`/sys/class/net/${name}`)) return name;
  await ip(`link add ${name} type bridge`);
  await ip(`link set ${name} up`);
  return name;
}
