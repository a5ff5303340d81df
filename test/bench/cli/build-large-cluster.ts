// SPDX-License-Identifier: Apache-2.0
import packageFile from '../../../package.json' with { type: 'json' };
import { isJsonObject } from '../../../policy/json.ts';
import { chartLabels } from '../../../policy/why/suggested-commands.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { policyNamespace } from '../../fixtures/plan/build-example.ts';
import { buildReviewCluster, tenants } from '../webhook/build-review-cluster.ts';
import { buildNetworks, buildPods } from '../webhook/review-objects.ts';

/** A cluster, and the pods in it that users ask about. */
export interface LargeCluster {
  readonly objects: readonly WrittenObject[];
  /** A pod that a node runs, but that is not Ready. */
  readonly placed: PodName;
  /** A pod for which the scheduler finds no node. */
  readonly waiting: PodName;
}

interface PodName {
  readonly namespace: string;
  readonly name: string;
}

const chart = { ...chartLabels, 'app.kubernetes.io/instance': 'macvtap' };

/**
 * Builds the cluster of `buildReviewCluster` with everything that `kubectl macvtap` reads: the installation with a pod
 * of the node plugin on each node, Nodes with a status, and networks with two pods.
 */
export function buildLargeCluster(size: { readonly nodes: number; readonly policies: number }): LargeCluster {
  const networks = buildNetworks(100);
  const stored = networks.map(({ object }) => withResource(object));
  const { objects } = buildReviewCluster(size, stored);
  const counts = new Map(
    objects.flatMap((object) => (isState(object) ? [[object.metadata.name, countsOf(object)]] : [])),
  );
  const full = objects.map((object) =>
    object.kind === 'Node' ? { ...object, status: nodeStatus(counts.get(object.metadata.name) ?? {}) } : object,
  );
  const nodeNames = objects.filter(({ kind }) => kind === 'Node').map(({ metadata }) => metadata.name);
  const [placed, waiting] = buildPods(2, networks).map(({ object }) => attach(object)) as [
    WrittenObject,
    WrittenObject,
  ];
  return {
    objects: [
      ...full,
      ...nodeNames.map(pluginPod),
      ...installation,
      place(placed, nodeNames[7] as string),
      stuck(waiting),
    ],
    placed: nameOf(placed),
    waiting: nameOf(waiting),
  };
}

function nameOf({ metadata: { namespace = 'default', name } }: WrittenObject): PodName {
  return { namespace, name };
}

function isState({ kind }: WrittenObject): boolean {
  return kind === 'MacvtapNetworkNodeState';
}

function countsOf({ status }: WrittenObject): Readonly<Record<string, string>> {
  const resources = isJsonObject(status) && Array.isArray(status.resources) ? status.resources : [];
  return Object.fromEntries(
    resources.map(({ name, quantity }) => [`macvtap.network.kubevirt.io/${name}`, String(quantity)]),
  );
}

/** Returns a status like kubelet's, with 20 images. */
function nodeStatus(counts: Readonly<Record<string, string>>): object {
  const amounts = { cpu: '64', memory: '263872928Ki', pods: '110', 'ephemeral-storage': '1887435948Ki', ...counts };
  const condition = (type: string, status: string) => ({
    ...{ type, status, reason: `Kubelet${type}`, message: `kubelet reports ${type}` },
    ...{ lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' },
  });
  return {
    allocatable: amounts,
    capacity: amounts,
    conditions: [
      ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => condition(type, 'False')),
      condition('Ready', 'True'),
    ],
    images: Array.from({ length: 20 }, (_, image) => ({
      names: [
        `registry.example.com/image-${image}@sha256:${'0123456789abcdef'.repeat(4)}`,
        `registry.example.com/image-${image}:v1`,
      ],
      sizeBytes: 100_000_000 + image,
    })),
    nodeInfo: { architecture: 'amd64', kubeletVersion: 'v1.37.2', operatingSystem: 'linux', osImage: 'Linux' },
  };
}

/** Returns the node plugin's pod on a node, with the parts of a real pod that take most of its size. */
function pluginPod(node: string, index: number): WrittenObject {
  const name = `kube-macvtap-nodeplugin-${index.toString(36).padStart(5, '0')}`;
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' });
  const image = `registry.example.com/kube-macvtap/node:v${packageFile.version}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: policyNamespace, labels: { ...chart, 'app.kubernetes.io/component': 'node' } },
    spec: {
      nodeName: node,
      containers: [
        {
          ...{ name: 'node-plugin', image, args: ['--source=cluster', '--node-name=$(NODE_NAME)', '--log-level=info'] },
          volumeMounts: Array.from({ length: 8 }, (_, at) => ({ name: `v${at}`, mountPath: `/var/lib/part-${at}` })),
        },
      ],
      tolerations: ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'unschedulable'].map((key) => ({
        ...{ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoSchedule' },
      })),
      volumes: Array.from({ length: 8 }, (_, at) => ({ name: `v${at}`, hostPath: { path: `/var/lib/part-${at}` } })),
    },
    status: {
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      containerStatuses: [
        {
          name: 'node-plugin',
          ready: true,
          restartCount: 0,
          image,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    },
  };
}

const installation: readonly WrittenObject[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: 'kube-macvtap-nodeplugin',
      namespace: policyNamespace,
      labels: { ...chart, 'app.kubernetes.io/component': 'node' },
    },
    spec: { template: { spec: { containers: [{ name: 'node-plugin', args: [] }] } } },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'kube-macvtap-webhook',
      namespace: policyNamespace,
      labels: { ...chart, 'app.kubernetes.io/component': 'webhook' },
    },
    spec: { replicas: 2, template: { spec: { containers: [{ name: 'webhook', args: [] }] } } },
    status: { readyReplicas: 2 },
  },
  ...['Mutating', 'Validating'].map((type) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${type}WebhookConfiguration`,
    metadata: { name: 'webhook.macvtap.network.kubevirt.io' },
    webhooks: [],
  })),
];

/** Adds the annotation that the webhook adds to a network that is named like its resource. */
function withResource(network: WrittenObject): WrittenObject {
  const { annotations, name } = network.metadata;
  const added = { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${name}` };
  return annotations === undefined ? { ...network, metadata: { ...network.metadata, annotations: added } } : network;
}

/** Returns a pod that is attached only to the first network, whose resource the first policy offers. */
function attach(pod: WrittenObject): WrittenObject {
  const annotations = { 'k8s.v1.cni.cncf.io/networks': 'fast0' };
  return { ...pod, metadata: { ...pod.metadata, namespace: tenants[0] as string, annotations } };
}

/** Returns a pod as it is while its containers are being created. */
function place(pod: WrittenObject, node: string): WrittenObject {
  const conditions = [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Ready', status: 'False' },
  ];
  return { ...pod, spec: { ...(pod.spec as object), nodeName: node }, status: { phase: 'Pending', conditions } };
}

/** Returns a pod as it is while the scheduler finds no node for it. */
function stuck(pod: WrittenObject): WrittenObject {
  const message = '0/5000 nodes are available: 5000 Insufficient macvtap.network.kubevirt.io/fast0.';
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  return { ...pod, status: { phase: 'Pending', conditions } };
}
