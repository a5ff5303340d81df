// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** The prefix of all names that the cluster uses on the machine: links, namespaces, control groups. */
export const prefix = 'kmtc';

/**
 * The folder of everything that the cluster writes. It is short, because the paths of its sockets may have at most 107
 * bytes.
 */
export const clusterFolder = '/tmp/kube-macvtap-cluster';

/** The link that connects the nodes and the machine. */
export const bridge = {
  name: `${prefix}-br`,
  address: '10.99.0.1',
  prefixLength: 24,
  macAddress: '02:00:0a:63:00:01',
} as const;

/**
 * The address of the Service `kubernetes`, the first in the Service range. It belongs to the machine itself, where the
 * API server listens. Pods therefore reach that Service without a proxy on any node.
 */
export const apiServerAddress = '10.96.0.1';

export const apiServerUrl = `https://${apiServerAddress}`;

/**
 * The node's interface for the traffic of kubelet and of the pods' cluster network. Tests do not give a NIC this name.
 */
export const uplink = 'k0';

export const paths = {
  logs: join(clusterFolder, 'logs'),
  processes: join(clusterFolder, 'processes'),
  nodes: join(clusterFolder, 'nodes'),
  /** The folder of a containerd that has the cluster's images and has run nothing. */
  images: join(clusterFolder, 'images'),
  /** The built programs under their plain names. */
  programs: join(clusterFolder, 'bin'),
  /** The registry of `up --registry`: its files, and the folder in which containerd finds its CA. */
  registry: join(clusterFolder, 'registry'),
  registries: join(clusterFolder, 'registries'),
  cluster: join(clusterFolder, 'cluster.json'),
  kubeconfig: join(clusterFolder, 'admin.kubeconfig'),
} as const;

/** The largest MTU that tests use, which is also that of the API proposal (test/fixtures/seed): 9000. */
export const wireMTU = 9000;

/** The request to create a node. */
export interface NodeSpec {
  /** Its name in Kubernetes. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its physical NICs. NICs with the same name on all nodes share one wire. */
  readonly interfaces: readonly string[];
  /**
   * Makes the node a virtual machine with its own kernel. Without it, the node consists of namespaces on the machine
   * that runs the tests.
   */
  readonly machine?: MachineSpec;
}

export interface MachineSpec {
  /** The hardware of the node's interfaces. */
  readonly nics: readonly MachineNIC[];
}

/** An interface of a machine: a single card, or a bond of cards. */
export interface MachineNIC {
  /** The name of the interface, and of its wire. */
  readonly name: string;
  readonly bond?: '802.3ad' | 'active-backup';
  readonly ports: readonly { readonly model: 'virtio' | 'e1000e' | 'vmxnet3'; readonly numaNode?: 0 | 1 }[];
}

/** A node and its number, from which its addresses are derived. */
export interface NodePlan extends NodeSpec {
  /** The number, from 1. */
  readonly number: number;
}

/** The most nodes. Their addresses start at 10.99.0.11. */
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

/** Returns the name of a node's network namespace for `ip netns`. */
export function namespaceName(node: string): string {
  return `${prefix}-${node}`;
}

/**
 * The control group of the cluster's processes, and of the processes that they start until those join another group.
 */
export const daemonGroup = `${prefix}/daemons`;

/** Returns a node's control group, below the root of each hierarchy. */
export function nodeGroup(node: string): string {
  return `${prefix}/${node}`;
}

/** Returns the machine's end of a node's uplink. */
export function uplinkPort({ number }: Pick<NodePlan, 'number'>): string {
  return `${prefix}${number}`;
}

/**
 * Returns the machine's end of a NIC. Raises an error if the kernel would not accept the name (IFNAMSIZ, 15
 * characters).
 */
export function nicPort({ number }: Pick<NodePlan, 'number'>, nic: string): string {
  return fitting(`${prefix}${number}.${nic}`, nic);
}

/** Returns the bridge that joins all NICs of a name. */
export function wireName(nic: string): string {
  return fitting(`${prefix}-w.${nic}`, nic);
}

function fitting(name: string, nic: string): string {
  if (name.length > 15) throw new Error(`${nic}: a NIC's name may have 8 characters here (${name} would be too long)`);
  return name;
}
