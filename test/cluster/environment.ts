// SPDX-License-Identifier: Apache-2.0
import { paths } from './layout.ts';

/**
 * Returns the environment of the cluster's programs. The built programs come first in PATH, and the user's settings are
 * left out.
 */
export function clusterEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(KUBE_MACVTAP_|KUBECONFIG$|NODE_TEST|NODE_OPTIONS)/.test(name),
  );
  return { ...Object.fromEntries(inherited), PATH: `${paths.programs}:${process.env.PATH}` };
}
