// SPDX-License-Identifier: Apache-2.0
import { type NodePlan, podRange } from '../layout.ts';

/** Where CNI's configurations lie on a node. */
export const cniFolder = '/etc/cni/net.d';

/**
 * A single plugin's configuration, not a list: of a list Multus 4.2 forgets on DEL what it does not know of its own, such as
 * ranges, and the sandbox is never removed.
 */
const podNetworkFile = '10-pods.conf';

export const multusKubeconfig = `${cniFolder}/multus.d/multus.kubeconfig`;

/** The networks' configurations by file; the first one by name is what containerd calls. */
export function cniConfigs(node: NodePlan): Readonly<Record<string, object>> {
  return {
    '00-multus.conf': {
      cniVersion: '1.0.0',
      name: 'multus',
      type: 'multus',
      kubeconfig: multusKubeconfig,
      // By its file: a name would be looked for in the cluster first.
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
