// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** What everything on the machine is named after that belongs to the cluster: links, namespaces, control groups. */
export const prefix = 'kmtc';

/** Everything that the cluster writes is below it. Short, since sockets are, whose paths have 107 bytes at most. */
export const clusterFolder = '/tmp/kube-macvtap-cluster';

/** The link that the nodes and the machine meet on. */
export const bridge = {
  name: `${prefix}-br`,
  address: '10.99.0.1',
  prefixLength: 24,
  macAddress: '02:00:0a:63:00:01',
} as const;

/**
 * The address of the Service `kubernetes`, the first of their range. It is the machine's own, where the API server listens:
 * so pods reach that Service without a proxy on any node.
 */
export const apiServerAddress = '10.96.0.1';

export const apiServerUrl = `https://${apiServerAddress}`;

/** The node's own interface, which carries its pods' traffic and kubelet's: no name that tests want for a NIC. */
export const uplink = 'k0';

export const paths = {
  logs: join(clusterFolder, 'logs'),
  processes: join(clusterFolder, 'processes'),
  nodes: join(clusterFolder, 'nodes'),
  /** The built programs by their plain names. */
  programs: join(clusterFolder, 'bin'),
  cluster: join(clusterFolder, 'cluster.json'),
  kubeconfig: join(clusterFolder, 'admin.kubeconfig'),
} as const;

/** What a node is asked for with. */
export interface NodeSpec {
  /** Its name in Kubernetes. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its physical NICs; those of one name on all nodes are on one wire. */
  readonly interfaces: readonly string[];
}

/** A node with the number that its addresses are made of. */
export interface NodePlan extends NodeSpec {
  /** From 1 on. */
  readonly number: number;
}

/** Nodes have 10.99.0.11 and up. */
export const mostNodes = 200;

export function nodeAddress({ number }: Pick<NodePlan, 'number'>): string {
  return `10.99.0.${10 + number}`;
}

export function podRange({ number }: Pick<NodePlan, 'number'>): string {
  return `10.244.${number}.0/24`;
}

export function nodeFolder(name: string): string {
  return join(paths.nodes, name);
}

/** A node's network namespace, as `ip netns` names it. */
export function namespaceName(node: string): string {
  return `${prefix}-${node}`;
}

/** The control group that the cluster's processes are counted to, and what they start until it joins another one. */
export const daemonGroup = `${prefix}/daemons`;

/** A node's control group, below the root of each hierarchy. */
export function nodeGroup(node: string): string {
  return `${prefix}/${node}`;
}

/** The machine's end of a node's uplink. */
export function uplinkPort({ number }: Pick<NodePlan, 'number'>): string {
  return `${prefix}${number}`;
}

/** The machine's end of a NIC. Raises where the kernel would not take the name (IFNAMSIZ, 15 characters). */
export function nicPort({ number }: Pick<NodePlan, 'number'>, nic: string): string {
  return fitting(`${prefix}${number}.${nic}`, nic);
}

/** The bridge that joins the NICs of a name. */
export function wireName(nic: string): string {
  return fitting(`${prefix}-w.${nic}`, nic);
}

function fitting(name: string, nic: string): string {
  if (name.length > 15) throw new Error(`${nic}: a NIC's name may have 8 characters here (${name} would be too long)`);
  return name;
}
