// SPDX-License-Identifier: Apache-2.0
import { until } from '../process/until.ts';
import type { Cluster } from './cluster.ts';
import { busyboxImage } from './images/build-images.ts';

export interface PodOptions {
  readonly name: string;
  /** The node on which the pod must run; by default, the scheduler chooses. */
  readonly node?: string;
  /** The networks that Multus adds. */
  readonly networks?: string;
  readonly limits?: Readonly<Record<string, string>>;
  /** A script for the shell; by default, the pod sleeps. */
  readonly script?: string;
}

/** A pod, as the API server returns it. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly resources: { readonly limits?: Readonly<Record<string, string>> };
    }[];
  };
  readonly status: {
    readonly phase: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly started?: boolean }[];
  };
}

/** The longest wait for a pod. Pods start within seconds, and on an emulated machine within a minute. */
const podGuardMs = 300_000;

export function podObject({ name, node, networks, limits, script = 'exec sleep infinity' }: PodOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(networks && { annotations: { 'k8s.v1.cni.cncf.io/networks': networks } }) },
    spec: {
      // Selects the node by its label. nodeName would bypass the scheduler.
      ...(node && { nodeSelector: { 'kubernetes.io/hostname': node } }),
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'compute',
          image: busyboxImage,
          imagePullPolicy: 'Never',
          command: ['/bin/sh', '-c', script],
          ...(limits && { resources: { limits } }),
        },
      ],
    },
  };
}

/** Creates a pod in the namespace `default` and waits until it is Ready. */
export async function runPod(cluster: Cluster, options: PodOptions): Promise<Pod> {
  await makePod(cluster, options);
  return await untilPodReady(cluster, options.name);
}

export async function makePod(cluster: Cluster, options: PodOptions): Promise<Pod> {
  return await cluster.admin.must<Pod>('POST', podPath(), { body: podObject(options) });
}

/** Resolves with the pod when it is Ready. Rejects with its description if it never is. */
export async function untilPodReady(cluster: Cluster, name: string): Promise<Pod> {
  try {
    return await until(() => readPod(cluster, name), isReady, podGuardMs);
  } catch (thrown) {
    throw new Error(`pod ${name} is not Ready:\n${await describe(cluster, name)}`, { cause: thrown });
  }
}

export async function readPod(cluster: Cluster, name: string): Promise<Pod> {
  return await cluster.admin.must<Pod>('GET', podPath(name));
}

/** Deletes a pod and waits until kubelet has deleted it. */
export async function deletePod(cluster: Cluster, name: string): Promise<void> {
  await cluster.admin.must('DELETE', podPath(name));
  await until(
    async () => (await cluster.admin.call('GET', podPath(name))).status,
    (status) => status === 404,
    podGuardMs,
  );
}

/** Deletes those of the pods that exist, and waits until they are gone. For use after a test that may have failed. */
export async function deletePodsIfAny(cluster: Cluster, names: readonly string[]): Promise<void> {
  await cluster.mustKubectl(['delete', 'pods', ...names, '--ignore-not-found']);
}

/** Runs a shell script in a pod's container and returns the output. If the script fails, rejects with its errors. */
export async function runInPod(cluster: Cluster, name: string, script: string): Promise<string> {
  return await cluster.mustKubectl(['exec', name, '--', '/bin/sh', '-c', script]);
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}

function podPath(name?: string): string {
  return `/api/v1/namespaces/default/pods${name === undefined ? '' : `/${name}`}`;
}

async function describe(cluster: Cluster, name: string): Promise<string> {
  const { stdout, stderr } = await cluster.kubectl(['describe', 'pod', name]);
  return `${stdout}${stderr}`;
}
