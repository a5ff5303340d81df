// SPDX-License-Identifier: Apache-2.0
import { paths } from './layout.ts';

/** What programs of the cluster are started with: the built ones first, and nothing that a person has set for ours. */
export function clusterEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(KUBE_MACVTAP_|KUBECONFIG$|NODE_TEST|NODE_OPTIONS)/.test(name),
  );
  return { ...Object.fromEntries(inherited), PATH: `${paths.programs}:${process.env.PATH}` };
}
