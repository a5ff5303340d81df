// SPDX-License-Identifier: Apache-2.0

import { compileGlob } from '../policy/plan/match-nic.ts';
import type { ImplicitExposure, Wanted } from '../policy/plan/plan-node.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { choiceFlag, type Flag, type FlagValues, listFlag, logLevels, textFlag } from '../runtime/flags.ts';
import type { Snapshot } from './source.ts';

/** Flags of every process that reads a cluster. */
export const commonFlags = {
  namespace: textFlag(
    'NAME',
    "the installation's namespace; policies in other namespaces have no effect",
    'macvtap-cni',
  ),
  'log-level': choiceFlag(logLevels, 'the lowest level that is logged, on standard error', 'info'),
  'log-level-file': textFlag(
    'FILE',
    'a file with a level that overrides --log-level while the file exists; changes take effect at once',
  ),
} as const;

/** The source of Kubernetes objects. */
type SourceChoice = { readonly kind: 'cluster' } | { readonly kind: 'manifests'; readonly directory: string };

/** `--source cluster` or `--source manifests:<dir>`. */
const sourceFlag: Flag<SourceChoice> = {
  placeholder: 'cluster|manifests:DIR',
  description: 'the source of objects: the API server, or a directory of YAML files that is watched for changes',
  defaultText: undefined,
  required: true,
  read: (text) => {
    if (text === 'cluster') return { value: { kind: 'cluster' } };
    const directory = /^manifests:(.+)$/s.exec(text)?.[1];
    if (directory === undefined) return { fault: 'set it to cluster or manifests:<directory>' };
    return { value: { kind: 'manifests', directory } };
  },
};

/** Flags of every process that follows a cluster, for `openSource`. */
export const sourceFlags = {
  source: sourceFlag,
  kubeconfig: textFlag(
    'FILE',
    "kubeconfig of the cluster (default: $KUBECONFIG, the pod's service account, or ~/.kube/config)",
  ),
} as const;

/** Flags of every process that computes plans. They set what nodes without another source expose. */
export const exposureFlags = {
  'link-kinds': listFlag(
    'KINDS',
    'kinds of links that are exposed implicitly; device means physical NICs',
    'device,bond',
  ),
  'implicit-exposure': choiceFlag(
    ['All', 'None'],
    'whether nodes without another source expose their interfaces',
    'All',
  ),
  'implicit-exclude': listFlag('GLOBS', 'globs of interface names that are never exposed implicitly', ''),
} as const;

/** Reads the flags of implicit exposure. Returns undefined for `None`. Raises InvalidFlags for an invalid glob. */
export function readExposure(values: FlagValues<typeof exposureFlags>): ImplicitExposure | undefined {
  const exclude = values['implicit-exclude'].map(compileGlob);
  const fault = exclude.find((glob) => 'fault' in glob);
  if (fault !== undefined) throw new MacvtapError('InvalidFlags', `--implicit-exclude: ${fault.fault}`);
  return values['implicit-exposure'] === 'None' ? undefined : { linkKinds: values['link-kinds'], exclude };
}

/**
 * Returns all sources from which nodes get their resources: policies, the explicit configuration and implicit exposure.
 */
export function wantedFrom({ policies, explicit }: Snapshot, implicit: ImplicitExposure | undefined): Wanted {
  return { policies, explicit, implicit };
}
