// SPDX-License-Identifier: Apache-2.0
import { type NodePlan, podRange } from '../layout.ts';

/** The folder of CNI configurations on a node. */
export const cniFolder = '/etc/cni/net.d';

/**
 * The file with the pod network as a single plugin, not as a list. On DEL, Multus 4.2 loses unknown fields of a list,
 * such as ranges. The sandbox would then never be removed.
 */
const podNetworkFile = '10-pods.conf';

export const multusKubeconfig = `${cniFolder}/multus.d/multus.kubeconfig`;

/** Returns the configurations of the networks, by file name. containerd uses the file whose name comes first. */
export function cniConfigs(node: NodePlan): Readonly<Record<string, object>> {
  return {
    '00-multus.conf': {
      cniVersion: '1.0.0',
      name: 'multus',
      type: 'multus',
      kubeconfig: multusKubeconfig,
      // Refers to the file, because a name would first be looked up in the cluster.
      clusterNetwork: `${cniFolder}/${podNetworkFile}`,
      confDir: cniFolder,
      cniDir: '/var/lib/cni/multus',
      binDir: '/opt/cni/bin',
      logFile: '/var/log/multus.log',
      logLevel: 'verbose',
    },
    [podNetworkFile]: {
      cniVersion: '1.0.0',
      name: 'pods',
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: podRange(node) }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  };
}
