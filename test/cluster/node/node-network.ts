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
  wireMTU,
  wireName,
} from '../layout.ts';
import { inMachine } from '../machine/in-machine.ts';
import { ip, run } from '../run.ts';

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
  await setRoutesTo('replace', node, others);
  await setRoutesFrom(node, others);
}

/** Sets or deletes the routes of other nodes to a node's pods. */
export async function setRoutesTo(
  verb: 'replace' | 'delete',
  node: NodePlan,
  others: readonly NodePlan[],
): Promise<void> {
  // A virtual machine that is switched off has no routes, and gets them when it starts.
  for (const other of others) await setRoute(verb, other, node).catch(raiseUnless(other.machine !== undefined));
}

/** Sets a node's routes to the pods of others. */
export async function setRoutesFrom(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  for (const other of others) await setRoute('replace', node, other);
}

async function setRoute(verb: 'replace' | 'delete', on: NodePlan, to: NodePlan): Promise<void> {
  const route = `route ${verb} ${podRange(to)} via ${nodeAddress(to)}`;
  if (on.machine === undefined) await ip(`-n ${namespaceName(on.name)} ${route}`);
  else await run(...inMachine(on, ['ip', ...route.split(' ')]));
}

function raiseUnless(isExpected: boolean): (thrown: unknown) => void {
  return (thrown) => {
    if (!isExpected) throw thrown;
  };
}

/** Removes what makeNodeNetwork made, and the wires that no other node uses. */
export async function removeNodeNetwork(node: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await setRoutesTo('delete', node, others);
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
export async function makeWire(nic: string): Promise<string> {
  const name = wireName(nic);
  if (existsSync(`/sys/class/net/${name}`)) return name;
  await ip(`link add ${name} type bridge`);
  await ip(`link set ${name} up`);
  return name;
}
