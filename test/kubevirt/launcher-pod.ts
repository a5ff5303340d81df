// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { until } from '../process/until.ts';
import { openMachine } from './machine.ts';

/**
 * The pod that KubeVirt makes from docs/tutorial/quick-start/vm.yaml, as the API server stores it after the webhook's
 * review.
 */
export const launcherPodFile = fileURLToPath(
  new URL('../fixtures/docs/virtual-machine/launcher-pod.yaml', import.meta.url),
);

export interface LauncherPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly [field: string]: unknown };
  readonly spec: { readonly nodeName?: string; readonly [field: string]: unknown };
}

const quickStart = (name: string) =>
  fileURLToPath(new URL(`../../docs/tutorial/quick-start/${name}.yaml`, import.meta.url));

/** Applies files of the quick start. */
export async function applyQuickStart(cluster: Cluster, ...names: readonly string[]): Promise<void> {
  await cluster.mustKubectl(['apply', ...names.flatMap((name) => ['-f', quickStart(name)])]);
}

/**
 * Creates the virtual machine of the quick start. Returns its launcher pod, without the parts that differ between runs,
 * and deletes the machine. No node can pull the machine's disk, so the pod never runs.
 */
export async function readLauncherPod(cluster: Cluster): Promise<object> {
  await applyQuickStart(cluster, 'vm');
  const machine = openMachine(cluster, 'tap');
  const pods = '/api/v1/namespaces/default/pods?labelSelector=vm.kubevirt.io/name=tap';
  const { items } = await until(
    () => cluster.admin.must<{ items: readonly LauncherPod[] }>('GET', pods),
    (list) => list.items[0]?.spec.nodeName !== undefined,
  );
  const { metadata } = await machine.instance();
  // Deletes the pod by force. Otherwise, the deletion of the machine would wait minutes for the pod's containers to
  // end.
  const deleted = machine.delete();
  await cluster.mustKubectl(['delete', 'pod', items[0]?.metadata.name ?? '', '--grace-period=0', '--force']);
  await deleted;
  return scrub(items[0] as LauncherPod, metadata.uid);
}

/** Removes times, nodes and values that the API server counts. Replaces random parts with fixed values. */
export function scrub({ metadata, spec }: LauncherPod, instanceUid: string): object {
  const { name, namespace, labels, annotations } = metadata;
  const { nodeName: _, ...rest } = spec;
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations },
    spec: rest,
  })
    .replaceAll(instanceUid, '00000000-0000-0000-0000-000000000001')
    .replaceAll(metadata.uid, '00000000-0000-0000-0000-000000000002')
    .replaceAll(name, name.replace(/[^-]+$/, 'x7k2p'))
    .replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-abcde')
    // KubeVirt adds a random time of up to two minutes.
    .replaceAll(/("--qemu-timeout",")\d+s"/g, '$1240s"');
  return JSON.parse(text);
}

export async function readFixture(): Promise<object> {
  return parse(await readFile(launcherPodFile, 'utf8'));
}
