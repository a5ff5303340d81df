// SPDX-License-Identifier: Apache-2.0
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { tenants } from './build-review-cluster.ts';

/** An object to review, and whether mutation changes it. */
export interface ReviewObject {
  readonly object: WrittenObject;
  readonly isPatched: boolean;
}

/**
 * Builds networks of four kinds in turn: with the resource's name as their own name, with an annotation that names the
 * resource, with a list of plugins, and complete. If `buildCluster` builds 100 policies, they offer these resources.
 */
export function buildNetworks(count: number): readonly ReviewObject[] {
  return Array.from({ length: count }, (_, index) => (networks[index % networks.length] as MakeNetwork)(index));
}

type MakeNetwork = (index: number) => ReviewObject;

/** Returns the index of a policy that offers `fast<index>` and `bonded<index>`, as every fifth policy does. */
const ofFive = (index: number): number => 5 * (index % 20);

const networks: readonly MakeNetwork[] = [
  (index) => ({ object: network(`fast${ofFive(index)}`, index, { type: 'macvtap' }), isPatched: true }),
  (index) => ({
    object: network(
      `vms-${index}`,
      index,
      { cniVersion: '1.0.0', type: 'macvtap', mtu: 1500 },
      `bonded${ofFive(index)}`,
    ),
    isPatched: true,
  }),
  (index) => ({
    object: network(
      `chain-${index}`,
      index,
      { cniVersion: '1.0.0', name: `chain-${index}`, plugins: [{ type: 'macvtap', mtu: 9000 }, { type: 'tuning' }] },
      `fast${ofFive(index)}`,
    ),
    isPatched: true,
  }),
  (index) => ({
    object: network(
      `whole-${index}`,
      index,
      { cniVersion: '1.0.0', name: `whole-${index}`, type: 'macvtap', mode: 'bridge', mtu: 9000, promiscMode: true },
      `fast${ofFive(index)}`,
    ),
    isPatched: false,
  }),
];

function network(name: string, index: number, config: object, resource?: string): WrittenObject {
  const annotations = resource && {
    'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}`,
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ kind, metadata: { name }, spec: { config } }),
  };
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind,
    metadata: {
      name,
      namespace: tenants[index % tenants.length] as string,
      uid: uidOf(index),
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
      ...(annotations && { annotations }),
      managedFields: [
        {
          manager: 'kubectl-client-side-apply',
          operation: 'Update',
          apiVersion: 'k8s.cni.cncf.io/v1',
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {} } }, 'f:spec': { '.': {}, 'f:config': {} } },
        },
      ],
    },
    // Formatted as users write it.
    spec: { config: JSON.stringify(config, null, 2) },
  };
}

const kind = 'NetworkAttachmentDefinition';

/**
 * Builds pods as KubeVirt makes them for virtual machines, with two attachments to networks of their namespace. The
 * pods do not request devices yet.
 */
export function buildPods(count: number, networks: readonly ReviewObject[]): readonly ReviewObject[] {
  return Array.from({ length: count }, (_, index) => {
    const namespace = tenants[index % tenants.length];
    const known = networks
      .map(({ object }) => object.metadata)
      .filter((found) => found.namespace === namespace && found.annotations !== undefined);
    const chosen = [0, 1].map((offset) => known[(index + offset) % known.length]?.name);
    return { object: pod(index, namespace as string, chosen.join(', ')), isPatched: true };
  });
}

function pod(index: number, namespace: string, attached: string): WrittenObject {
  const name = `virt-launcher-vm-${index}-x7k2p`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: uidOf(index),
      creationTimestamp: '2026-01-01T00:00:00Z',
      generateName: `virt-launcher-vm-${index}-`,
      labels: {
        'kubevirt.io': 'virt-launcher',
        'kubevirt.io/created-by': uidOf(index),
        'vm.kubevirt.io/name': `vm-${index}`,
      },
      annotations: {
        'k8s.v1.cni.cncf.io/networks': attached,
        'kubevirt.io/domain': `vm-${index}`,
        'kubevirt.io/migrationTransportUnix': 'true',
        'post.hook.backup.velero.io/command':
          '["/usr/bin/virt-freezer", "--unfreeze", "--name", "vm", "--namespace", "n"]',
      },
      managedFields: [
        { manager: 'virt-controller', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: ownedFields },
      ],
    },
    spec: {
      containers: [container('compute', 24), container('volumerootdisk', 6)],
      initContainers: [container('container-disk-binary', 4)],
      volumes: Array.from({ length: 16 }, (_, volume) => ({ name: `volume-${volume}`, emptyDir: {} })),
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      nodeSelector: {
        'kubernetes.io/arch': 'amd64',
        'kubevirt.io/schedulable': 'true',
        'cpu-model.node.kubevirt.io/host': 'true',
      },
      hostname: `vm-${index}`,
      restartPolicy: 'Never',
      serviceAccountName: 'default',
      securityContext: { fsGroup: 107, runAsGroup: 107, runAsNonRoot: true, runAsUser: 107 },
    },
  };
}

function container(name: string, variables: number): object {
  return {
    name,
    image: 'registry.example.com/kubevirt/virt-launcher:v1.6.0',
    imagePullPolicy: 'IfNotPresent',
    command: ['/usr/bin/virt-launcher-monitor', '--qemu-timeout', '300s', '--name', 'vm', '--uid', uidOf(0)],
    env: Array.from({ length: variables }, (_, index) => ({ name: `SETTING_${index}`, value: `value of ${index}` })),
    resources: {
      limits: { 'devices.kubevirt.io/kvm': '1', 'devices.kubevirt.io/tun': '1', memory: '2Gi' },
      requests: { cpu: '100m', 'devices.kubevirt.io/kvm': '1', 'devices.kubevirt.io/tun': '1', memory: '2294Mi' },
    },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } },
    volumeMounts: Array.from({ length: 8 }, (_, index) => ({
      name: `volume-${index}`,
      mountPath: `/var/run/part-${index}`,
    })),
  };
}

const ownedFields = {
  'f:metadata': { 'f:annotations': { '.': {} }, 'f:generateName': {}, 'f:labels': { '.': {} } },
  'f:spec': { 'f:containers': { 'k:{"name":"compute"}': { '.': {}, 'f:command': {}, 'f:env': {}, 'f:image': {} } } },
};

function uidOf(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}
