// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { parseDeviceCount } from '../../policy/pod/parse-quantity.ts';
import type { NodeStanding } from '../../policy/why/why-facts.ts';
import { mapIn, valueIn } from './fields.ts';
import { readTaints } from './read-scheduling.ts';

/** A Node with the devices of ours that kubelet has to give. kubelet never forgets a name: 0 is none. */
export function readNode(node: ApiObject): NodeStanding {
  const counts = Object.entries(mapIn(node, 'status', 'allocatable')).flatMap(([key, quantity]) => {
    const count = key.startsWith(resourcePrefix) ? (parseDeviceCount(quantity) ?? 0) : 0;
    return count === 0 ? [] : [[key.slice(resourcePrefix.length), count] as const];
  });
  const labels = Object.fromEntries(
    Object.entries(mapIn(node, 'metadata', 'labels')).map(([key, value]) => [key, String(value)]),
  );
  return { name: node.metadata.name, labels, allocatable: new Map(counts), taints: readTaints(node) };
}

/** Whether a Node says what it can give; one that was written by hand does not. */
export function tellsAllocatable(node: ApiObject): boolean {
  return valueIn(node, 'status', 'allocatable') !== undefined;
}

/** A Node of files: where it does not say what it can give, what its state has to give out. */
export function readNodeOfFiles(node: ApiObject, states: Snapshot['nodeStates']): NodeStanding {
  const read = readNode(node);
  if (tellsAllocatable(node)) return read;
  const resources = states.get(read.name)?.status?.resources ?? [];
  const given = resources.filter(({ health, quantity }) => health !== 'Unhealthy' && quantity > 0);
  return { ...read, allocatable: new Map(given.map(({ name, quantity }) => [name, quantity])) };
}
