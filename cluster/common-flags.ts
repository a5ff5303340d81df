// SPDX-License-Identifier: Apache-2.0
import { choiceFlag, listFlag, textFlag } from '../runtime/flag-types.ts';
import { logLevels } from '../runtime/log.ts';

/** Flags of every process that reads a cluster. */
export const commonFlags = {
  namespace: textFlag('NAME', "the installation's namespace, the only one where policies count", 'macvtap-cni'),
  'log-level': choiceFlag(logLevels, 'what is logged, to standard error', 'info'),
} as const;

/** Flags of everything that plans: what is exposed on nodes that nothing else speaks of. */
export const exposureFlags = {
  'link-kinds': listFlag('KINDS', 'link kinds exposed implicitly; device means physical NICs', 'device,bond'),
  'implicit-exposure': choiceFlag(['All', 'None'], 'whether nodes that nothing selects expose their interfaces', 'All'),
  'implicit-exclude': listFlag('GLOBS', 'names never exposed implicitly', ''),
} as const;
