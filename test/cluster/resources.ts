// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { until } from '../process/until.ts';
import type { Cluster } from './cluster.ts';

/** The resources of each node: `{ h1: { bondedIface: 25 } }`. */
export type Offers = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * The longest wait for a status. kubelet writes a new capacity within seconds, or at the latest with its next status.
 */
const statusGuardMs = 300_000;

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly allocatable: Readonly<Record<string, string>> };
  }[];
}

/**
 * Returns the product's resources in each Node's allocatable. A count of 0 means that there is none, because kubelet
 * never removes a name.
 */
export async function readAllocatable(cluster: Cluster): Promise<Offers> {
  const { items } = await cluster.admin.must<NodeList>('GET', '/api/v1/nodes');
  return Object.fromEntries(
    items.map(({ metadata, status }) => [
      metadata.name,
      Object.fromEntries(
        Object.entries(status.allocatable)
          .filter(([name, count]) => name.startsWith(resourcePrefix) && count !== '0')
          .map(([name, count]) => [name.slice(resourcePrefix.length), Number(count)]),
      ),
    ]),
  );
}

/** Resolves when the Nodes offer exactly these resources. */
export async function untilAllocatable(cluster: Cluster, expected: Offers): Promise<void> {
  await until(
    () => readAllocatable(cluster),
    (offers) => isDeepStrictEqual(offers, expected),
    statusGuardMs,
  );
}

interface NodeState {
  readonly status?: { readonly resources?: readonly { readonly name: string; readonly held?: number }[] };
}

/** Returns the number of held devices of a resource in a node's state, or undefined if the state has none yet. */
export async function readHeld(cluster: Cluster, node: string, resource: string): Promise<number | undefined> {
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/${node}`;
  const { status: code, body } = await cluster.admin.call('GET', path);
  if (code === 404) return undefined;
  assert.equal(code, 200, `GET ${path}: ${JSON.stringify(body)}`);
  return (body as NodeState).status?.resources?.find(({ name }) => name === resource)?.held;
}

/** Resolves when this many devices are held. */
export async function untilHeld(cluster: Cluster, node: string, resource: string, count: number): Promise<void> {
  await until(
    () => readHeld(cluster, node, resource),
    (held) => held === count,
    statusGuardMs,
  );
}
