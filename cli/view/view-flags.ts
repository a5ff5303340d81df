// SPDX-License-Identifier: Apache-2.0
import { commonFlags, sourceFlags } from '../../cluster/common-flags.ts';
import { textFlag } from '../../runtime/flag-types.ts';
import type { FlagValues } from '../../runtime/flags.ts';

const { description, placeholder, read } = sourceFlags.source;

/**
 * The installation's namespace has a long name here: `-n` and `--namespace` are, as everywhere in kubectl, the namespace
 * of the object that a command is asked about.
 */
export const installationFlags = {
  'installation-namespace': commonFlags.namespace,
} as const;

/** Flags of every command that looks at a cluster; those of kubectl mean what they mean there. */
export const viewFlags = {
  source: {
    description: description.replace(', or a directory of YAML that is followed', ', or a directory of YAML'),
    placeholder,
    read,
    defaultText: 'cluster',
  },
  kubeconfig: sourceFlags.kubeconfig,
  context: textFlag('NAME', 'of the kubeconfig; else its current one'),
  ...installationFlags,
} as const;

export type ViewFlags = FlagValues<typeof viewFlags>;
