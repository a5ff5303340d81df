// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { commonFlags, exposureFlags, sourceFlags } from '../cluster/cluster-flags.ts';
import { type CommandLine, choiceFlag, durationFlag, type Flag, type FlagValues, textFlag } from '../runtime/flags.ts';
import { listenFlag } from '../runtime/listen-address.ts';

const shimPath = fileURLToPath(new URL('../.cache/shim/macvtap', import.meta.url));

export const nodePluginLine = {
  command: 'kube-macvtap-node',
  summary: "Offers a node's macvtap resources to its kubelet and creates the macvtaps of pods.",
  positionals: [],
  examples: [
    {
      purpose: 'Serve the node of the pod that it runs in, as the chart does',
      command: 'kube-macvtap-node --node-name "$NODE_NAME" --cni-bin-dir /opt/cni/bin --metrics-listen :9444',
    },
    {
      purpose: 'Serve a node without an API server, by policies in files',
      command: 'kube-macvtap-node --source manifests:/etc/kube-macvtap --node-name h1 --log-level debug',
    },
  ],
  flags: {
    ...sourceFlags,
    'node-name': textFlag('NAME', "this node's name in Kubernetes", hostname().toLowerCase()),
    'kubelet-dir': textFlag('DIR', "kubelet's own directory", '/var/lib/kubelet'),
    'state-dir': textFlag('DIR', 'the directory of the ledger of allocated devices', '/var/lib/kube-macvtap'),
    'cni-socket': textFlag('PATH', "the socket that the CNI plugin's shim connects to", '/run/kube-macvtap/cni.sock'),
    'cni-bin-dir': textFlag(
      'DIR',
      "the directory in which the CNI plugin's shim is installed, for example /opt/cni/bin; not installed by default",
    ),
    'cni-shim': textFlag('FILE', 'the shim to install', shimPath),
    allocation: choiceFlag(
      ['DevicePlugin', 'DRA'],
      'the API through which new pods get devices: the device plugin API of kubelet, or dynamic resource allocation',
      'DevicePlugin',
    ),
    'allocation-by-label': choiceFlag(
      ['On', 'Off'],
      'whether the node label macvtap.network.kubevirt.io/allocation overrides --allocation',
      'Off',
    ),
    'cdi-dir': textFlag('DIR', 'the directory of the CDI files of prepared claims, for DRA', '/var/run/cdi'),
    'migration-cutover': choiceFlag(
      ['On', 'Off'],
      'whether links are switched during a live migration, so that other macvtaps still reach the virtual machine',
      'On',
    ),
    'metrics-listen': listenFlag('the address of /healthz, /readyz and /metrics, in plain HTTP; disabled by default'),
    settle: durationFlag('at the start, how long links must be unchanged before the first plan', '300ms'),
    'held-refresh': durationFlag('how often the devices in use are read from kubelet', '10s'),
    'kubelet-settle': durationFlag("how long after kubelet's start its list of devices may be incomplete", '10s'),
    'orphan-grace': durationFlag('how long a link or device must be unused before it is removed', '1m'),
    ...exposureFlags,
    ...commonFlags,
  },
} as const satisfies CommandLine<Record<string, Flag<unknown>>>;

export type NodePluginConfig = FlagValues<(typeof nodePluginLine)['flags']>;
