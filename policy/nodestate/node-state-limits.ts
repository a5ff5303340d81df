// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { indexInterfaces, readInterface } from '../plan/interfaces.ts';

/**
 * The limits of one node's report. A compromised node can use its plugin's token to write any report. So these limits
 * bound every loop over a report. No limit exceeds the CRD's, and a real host stays below all of them. The node plugin
 * trims its own report to them.
 */
export const nodeStateLimits = {
  /** A host has tens of NICs, VLANs and bonds. An SR-IOV NIC adds at most 256 functions for each port (PCIe ARI). */
  interfaces: 1_000,
  /** For one interface. systemd.link(5) has five policies for alternative names, and the CRD allows 64. */
  altNames: 64,
  /** For all interfaces together: eight altnames for each of 1,000 interfaces. */
  altNamesInAll: 8_000,
  /** For one interface, as in the CRD. Readers only check whether an interface has any addresses. */
  addresses: 256,
  /**
   * As many as interfaces, because a host rarely has more than one resource for each parent. Kubelet could not serve
   * more: it keeps a connection for each resource, and lists the resource in the Node's status.
   */
  resources: 1_000,
  /**
   * For all resources together: former parents on which pods still hold devices after an edit. Kubelet's default limit
   * is 110 pods.
   */
  heldElsewhereInAll: 4_000,
  /** The node plugin leaves out all further findings. */
  skipped: 1_000,
  conflicts: 1_000,
  /** The policies that select the node. */
  observedPolicies: 4_000,
  /** Codes that concern the whole node (docs/reference/reasons.md). The limit is the CRD's. */
  troubles: 64,
} as const;

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

/**
 * Returns why a node's report is ignored: it exceeds a limit, or reading it throws. Returns undefined for a valid
 * report. Never throws.
 *
 * @example 'status.interfaces: 4096, and at most 1000 are read'
 */
export function reasonToLeaveOut(state: MacvtapNetworkNodeState): string | undefined {
  try {
    const status = state.status ?? {};
    const excess = countItems(status).find(({ count, limit }) => count > limit);
    if (excess !== undefined) return `${excess.field}: ${excess.count}, and at most ${excess.limit} are read`;
    tryReading(status);
    return undefined;
  } catch (thrown) {
    return describeFailure(thrown);
  }
}

/** Returns the reason why a report is ignored, from the error that reading it threw. */
export function describeFailure(thrown: unknown): string {
  return `reading it failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}

/**
 * Returns how many items of a report a reader loops over. Callers use the number to split work into slices. Returns 0
 * for a report that cannot be read.
 */
export function itemsOf(state: MacvtapNetworkNodeState): number {
  try {
    const { interfaces = [], resources = [], conflicts = [], observedPolicies = [] } = state.status ?? {};
    const altNames = interfaces.reduce((sum, nic) => sum + (nic.altNames?.length ?? 0), 0);
    return interfaces.length + altNames + resources.length + conflicts.length + observedPolicies.length;
  } catch {
    return 0;
  }
}

function countItems({
  interfaces = [],
  resources = [],
  skipped = [],
  conflicts = [],
  observedPolicies = [],
  troubles = [],
}: Status): readonly { readonly field: string; readonly count: number; readonly limit: number }[] {
  let [altNames, altNamesInAll, addresses, elsewhere] = [0, 0, 0, 0];
  for (const nic of interfaces) {
    altNames = Math.max(altNames, nic.altNames?.length ?? 0);
    altNamesInAll += nic.altNames?.length ?? 0;
    addresses = Math.max(addresses, nic.addresses?.length ?? 0);
  }
  for (const { heldElsewhere = [] } of resources) elsewhere += heldElsewhere.length;
  const limits = nodeStateLimits;
  return [
    { field: 'status.interfaces', count: interfaces.length, limit: limits.interfaces },
    { field: 'status.interfaces[].altNames', count: altNames, limit: limits.altNames },
    { field: 'status.interfaces[].altNames in all', count: altNamesInAll, limit: limits.altNamesInAll },
    { field: 'status.interfaces[].addresses', count: addresses, limit: limits.addresses },
    { field: 'status.resources', count: resources.length, limit: limits.resources },
    { field: 'status.resources[].heldElsewhere in all', count: elsewhere, limit: limits.heldElsewhereInAll },
    { field: 'status.skipped', count: skipped.length, limit: limits.skipped },
    { field: 'status.conflicts', count: conflicts.length, limit: limits.conflicts },
    { field: 'status.observedPolicies', count: observedPolicies.length, limit: limits.observedPolicies },
    { field: 'status.troubles', count: troubles.length, limit: limits.troubles },
  ];
}

/**
 * Reads a node's interfaces in the same way as planning does, so that a report that planning cannot read throws here.
 */
function tryReading({ interfaces = [] }: Status): void {
  const facts = interfaces.map(readInterface);
  const index = indexInterfaces(facts);
  for (const nic of facts) {
    index.find(nic.name);
    index.numaNodesOf(nic);
    index.carriesNodeTraffic(nic);
  }
}
