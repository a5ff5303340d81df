// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import { commonFlags, exposureFlags, sourceFlags } from '../cluster/common-flags.ts';
import { durationFlag, textFlag } from '../runtime/flag-types.ts';
import type { CommandLine, Flag, FlagValues } from '../runtime/flags.ts';

export const nodePluginLine = {
  command: 'npm run nodeplugin --',
  summary: "Offers a node's macvtap resources to its kubelet and makes the macvtaps that pods are given.",
  positionals: [],
  flags: {
    ...sourceFlags,
    'node-name': textFlag('NAME', "this node's name in Kubernetes", hostname().toLowerCase()),
    'kubelet-dir': textFlag('DIR', "kubelet's own directory", '/var/lib/kubelet'),
    'state-dir': textFlag('DIR', 'where the ledger of allocated devices is kept', '/var/lib/kube-macvtap'),
    settle: durationFlag('how long the links must be quiet at start before the first plan', '300ms'),
    'held-refresh': durationFlag('how often kubelet is asked which devices pods hold', '10s'),
    'kubelet-settle': durationFlag("for how long after its start kubelet's answer may lack pods", '10s'),
    'orphan-grace': durationFlag('how long a link or device must be unused before it is removed', '1m'),
    ...exposureFlags,
    ...commonFlags,
  },
} as const satisfies CommandLine<Record<string, Flag<unknown>>>;

export type NodePluginConfig = FlagValues<(typeof nodePluginLine)['flags']>;
