// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster/cluster.ts';

/** The reported facts of an interface that selectors match. */
export interface InterfaceFacts {
  readonly name: string;
  readonly driver?: string;
  readonly pciAddress?: string;
  readonly vendorID?: string;
  readonly deviceID?: string;
  readonly numaNode?: number;
  readonly permanentMACAddress?: string;
}

interface NodeState {
  readonly interfaces?: readonly (InterfaceFacts & { readonly altNames?: readonly string[] })[];
  readonly resources?: readonly {
    readonly name: string;
    readonly parent?: string;
    readonly held?: number;
    readonly lost?: number;
    readonly health: string;
    readonly code?: string;
  }[];
}

/** Reads what a node's plugin reports. */
export async function readNodeState({ admin }: Cluster, node: string): Promise<NodeState> {
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/${node}`;
  return (await admin.must<{ readonly status?: NodeState }>('GET', path)).status ?? {};
}

/** Returns a resource of a node as its plugin reports it. */
export async function readResource(cluster: Cluster, node: string, resource: string) {
  return (await readNodeState(cluster, node)).resources?.find(({ name }) => name === resource);
}
