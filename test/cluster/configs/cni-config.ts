// SPDX-License-Identifier: Apache-2.0
import { type NodePlan, podRange } from '../layout.ts';
import type { MultusKind } from '../multus-kind.ts';

/** The folder of CNI configurations on a node. */
export const cniFolder = '/etc/cni/net.d';

/**
 * The file with the pod network. It contains a single plugin instead of a list. On DEL, Multus 4.2 loses unknown fields
 * of a list, such as `ranges`. DEL would then always fail, and the sandbox would stay.
 */
const podNetworkFile = '10-pods.conf';

/** The file with Multus' own configuration. containerd uses the file whose name comes first. */
export const multusFile = '00-multus.conf';

export const multusKubeconfig = `${cniFolder}/multus.d/multus.kubeconfig`;

/** The settings of both kinds of Multus. */
const multus = {
  cniVersion: '1.0.0',
  confDir: cniFolder,
  cniDir: '/var/lib/cni/multus',
  binDir: '/opt/cni/bin',
  logFile: '/var/log/multus.log',
  logLevel: 'verbose',
};

/**
 * Returns the CNI configurations of a node, by file name. For thick Multus, Multus' own configuration is not included,
 * because its daemon writes it.
 */
export function cniConfigs(node: NodePlan, kind: MultusKind): Readonly<Record<string, object>> {
  const podNetwork = {
    cniVersion: '1.0.0',
    name: 'pods',
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    hairpinMode: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: podRange(node) }]], routes: [{ dst: '0.0.0.0/0' }] },
  };
  if (kind === 'thick') return { [podNetworkFile]: podNetwork };
  return {
    [podNetworkFile]: podNetwork,
    [multusFile]: {
      ...multus,
      name: 'multus',
      type: 'multus',
      kubeconfig: multusKubeconfig,
      // Refers to the file, because a name would first be looked up in the cluster.
      clusterNetwork: `${cniFolder}/${podNetworkFile}`,
    },
  };
}

/** The folder of the socket between thick Multus' shim and its daemon. */
const multusSocketFolder = '/run/multus';

/**
 * The configuration of thick Multus' daemon. The daemon writes `multusFile` from it and from the network whose file
 * comes first, as in Multus' own manifests.
 */
export const multusDaemonConfig = {
  ...multus,
  multusConfigFile: 'auto',
  multusAutoconfigDir: cniFolder,
  cniConfigDir: cniFolder,
  // The daemon reads the first, and the shim reads the second.
  socketDir: multusSocketFolder,
  daemonSocketDir: multusSocketFolder,
};
