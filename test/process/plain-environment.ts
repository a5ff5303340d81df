// SPDX-License-Identifier: Apache-2.0

/** Variables that would change the behavior or output of programs: the product's flags, and color settings. */
const leftOut = /^(KUBE_MACVTAP_.*|CI|NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS)$/;

/**
 * Returns the environment of programs under test: this process's environment without variables that would change their
 * output on another machine. Node's test runner sets FORCE_COLOR on a user's terminal, and a set CI disables colors.
 */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !leftOut.test(name)));
}
