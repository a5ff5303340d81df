// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster/cluster.ts';
import { runInPod } from '../cluster/pods.ts';
import { until } from '../process/until.ts';

/** How long a failing test waits. */
const guardMs = 300_000;

/** The reported facts of an interface that selectors match. */
export interface InterfaceFacts {
  readonly name: string;
  readonly driver?: string;
  readonly pciAddress?: string;
  readonly vendorID?: string;
  readonly deviceID?: string;
  readonly numaNode?: number;
  readonly permanentMACAddress?: string;
  readonly mtu?: number;
}

interface NodeState {
  readonly interfaces?: readonly (InterfaceFacts & { readonly altNames?: readonly string[] })[];
  readonly resources?: readonly {
    readonly name: string;
    readonly parent?: string;
    readonly held?: number;
    readonly lost?: number;
    readonly mtuLowered?: number;
    readonly heldElsewhere?: readonly { readonly parent: string; readonly mode: string; readonly held: number }[];
    readonly health: string;
    readonly code?: string;
  }[];
  readonly skipped?: readonly { readonly name: string; readonly by?: string; readonly code: string }[];
  readonly troubles?: readonly { readonly code: string }[];
}

/** Reads what a node's plugin reports. */
export async function readNodeState({ admin }: Cluster, node: string): Promise<NodeState> {
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/${node}`;
  return (await admin.must<{ readonly status?: NodeState }>('GET', path)).status ?? {};
}

type Resource = NonNullable<NodeState['resources']>[number];

/** Returns a resource of a node as its plugin reports it. */
export async function readResource(cluster: Cluster, node: string, resource: string): Promise<Resource | undefined> {
  return (await readNodeState(cluster, node)).resources?.find(({ name }) => name === resource);
}

/** Resolves with a resource of a node when the node's plugin reports it as wanted. */
export async function untilReported(
  cluster: Cluster,
  node: string,
  resource: string,
  isWanted: (resource: Resource | undefined) => boolean,
): Promise<Resource | undefined> {
  return await until(() => readResource(cluster, node, resource), isWanted, guardMs);
}

/** Resolves when a pod or a Node has an event with this reason. */
export async function untilEvent(cluster: Cluster, object: string, reason: string): Promise<void> {
  const fields = `--field-selector=involvedObject.name=${object}`;
  await until(
    () => cluster.mustKubectl(['get', 'events', '-A', fields, '-o', 'jsonpath={..reason}']),
    (reasons) => reasons.split(' ').includes(reason),
    guardMs,
  );
}

/** Returns the names of a pod's links. The file bonding_masters is next to them if the kernel has bonds. */
export async function readPodLinks(cluster: Cluster, pod: string): Promise<readonly string[]> {
  const listed = await runInPod(cluster, pod, 'cd /sys/class/net && ls -d */');
  return listed.trim().replaceAll('/', '').split('\n');
}
