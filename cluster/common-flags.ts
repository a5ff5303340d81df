// SPDX-License-Identifier: Apache-2.0
import { choiceFlag, listFlag, textFlag } from '../runtime/flag-types.ts';
import type { Flag } from '../runtime/flags.ts';
import { logLevels } from '../runtime/log.ts';

/** Flags of every process that reads a cluster. */
export const commonFlags = {
  namespace: textFlag('NAME', "the installation's namespace, the only one where policies count", 'macvtap-cni'),
  'log-level': choiceFlag(logLevels, 'what is logged, to standard error', 'info'),
  'log-level-file': textFlag(
    'FILE',
    'holds a level that counts instead of --log-level while the file is there; followed without a restart',
  ),
} as const;

/** Where Kubernetes objects come from. */
type SourceChoice = { readonly kind: 'cluster' } | { readonly kind: 'manifests'; readonly directory: string };

/** `--source cluster` or `--source manifests:<dir>`, read. */
const sourceFlag: Flag<SourceChoice> = {
  placeholder: 'cluster|manifests:DIR',
  description: 'the API server, or a directory of YAML that is followed',
  defaultText: undefined,
  required: true,
  read: (text) => {
    if (text === 'cluster') return { value: { kind: 'cluster' } };
    const directory = /^manifests:(.+)$/s.exec(text)?.[1];
    if (directory === undefined) return { fault: 'write cluster or manifests:<directory>' };
    return { value: { kind: 'manifests', directory } };
  },
};

/** Flags of everything that follows a cluster: what `openSource` needs. */
export const sourceFlags = {
  source: sourceFlag,
  kubeconfig: textFlag('FILE', 'of the cluster; else $KUBECONFIG, the pod, ~/.kube/config'),
} as const;

/** Flags of everything that plans: what is exposed on nodes that nothing else speaks of. */
export const exposureFlags = {
  'link-kinds': listFlag('KINDS', 'link kinds exposed implicitly; device means physical NICs', 'device,bond'),
  'implicit-exposure': choiceFlag(['All', 'None'], 'whether nodes that nothing selects expose their interfaces', 'All'),
  'implicit-exclude': listFlag('GLOBS', 'names never exposed implicitly', ''),
} as const;
