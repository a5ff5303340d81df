// SPDX-License-Identifier: Apache-2.0

/** Variables that would change what programs print or do: flags of ours, and what a terminal or CI says of colours. */
const leftOut = /^(KUBE_MACVTAP_.*|CI|NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS)$/;

/**
 * The environment that programs under test get: this process's, without what would make them print something else on
 * another machine. Node's test runner sets FORCE_COLOR itself at a person's terminal, and CI set means no colours.
 */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !leftOut.test(name)));
}
