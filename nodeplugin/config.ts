// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { commonFlags, exposureFlags, sourceFlags } from '../cluster/common-flags.ts';
import { durationFlag, textFlag } from '../runtime/flag-types.ts';
import type { CommandLine, Flag, FlagValues } from '../runtime/flags.ts';
import { listenFlag } from '../runtime/listen-address.ts';

const shimPath = fileURLToPath(new URL('../.cache/shim/macvtap', import.meta.url));

export const nodePluginLine = {
  command: 'kube-macvtap-node',
  summary: "Offers a node's macvtap resources to its kubelet and makes the macvtaps that pods are given.",
  positionals: [],
  flags: {
    ...sourceFlags,
    'node-name': textFlag('NAME', "this node's name in Kubernetes", hostname().toLowerCase()),
    'kubelet-dir': textFlag('DIR', "kubelet's own directory", '/var/lib/kubelet'),
    'state-dir': textFlag('DIR', 'where the ledger of allocated devices is kept', '/var/lib/kube-macvtap'),
    'cni-socket': textFlag('PATH', "where the CNI plugin's shim calls", '/run/kube-macvtap/cni.sock'),
    'cni-bin-dir': textFlag(
      'DIR',
      "where the CNI plugin's shim is installed, such as /opt/cni/bin; not at all where nobody says",
    ),
    'cni-shim': textFlag('FILE', 'the shim that is installed', shimPath),
    'metrics-listen': listenFlag(
      'where /healthz, /readyz and /metrics are answered, in plain HTTP; not at all where nobody says',
    ),
    settle: durationFlag('how long the links must be quiet at start before the first plan', '300ms'),
    'held-refresh': durationFlag('how often kubelet is asked which devices pods hold', '10s'),
    'kubelet-settle': durationFlag("for how long after its start kubelet's answer may lack pods", '10s'),
    'orphan-grace': durationFlag('how long a link or device must be unused before it is removed', '1m'),
    ...exposureFlags,
    ...commonFlags,
  },
} as const satisfies CommandLine<Record<string, Flag<unknown>>>;

export type NodePluginConfig = FlagValues<(typeof nodePluginLine)['flags']>;
