// SPDX-License-Identifier: Apache-2.0
import { kubernetesVersion } from '../../binaries/kubernetes-version.ts';
import { containerdSocket } from './containerd-config.ts';

/** Returns kubelet's configuration file, with settings for the control groups of the node. */
export function kubeletConfig(caFile: string, controlGroups: object): string {
  const [, minor] = kubernetesVersion().split('.');
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: caFile } },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    ...controlGroups,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    // Tests wait for a node's resources, which kubelet reports with its status. The default interval is 10 s.
    nodeStatusUpdateFrequency: '1s',
    // A pod whose DRA driver is not registered yet is tried again at its next sync, by default after 60 to 90 s.
    syncFrequency: '5s',
    // The second restart of a container would wait for 10 s, the third for 20 s. Kubernetes enables this setting by
    // default since 1.35.
    ...(Number(minor) >= 35 && { crashLoopBackOff: { maxContainerRestartPeriod: '1s' } }),
    // Evicts pods only if almost nothing is left, because several nodes share the machine's disk and memory. Removes no
    // images, because none can be pulled again.
    evictionHard: { 'memory.available': '10Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // By default, this folder is below /usr, which all nodes share with the machine.
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
  });
}
