// SPDX-License-Identifier: Apache-2.0
import { type Claim, takeClaim } from '../claim/take-claim.ts';
import { clusterFolder } from './layout.ts';

/**
 * The environment variable with the ID of the process that holds the claim. It is set for commands that a test runs, so
 * that they can use the test's cluster.
 */
const holderVariable = 'MACVTAP_TEST_CLUSTER_HOLDER';

/** Claims the test cluster; a machine can have only one. If it is in use, raises an error that names its user. */
export async function claimCluster(what: string, { takesKept }: { readonly takesKept: boolean }): Promise<Claim> {
  return await takeClaim({
    folder: `${clusterFolder}.claim`,
    what,
    claimed: 'the test cluster',
    remedy: 'npm run cluster -- down, or up --replace,',
    takesKept,
    pid: holder(),
  });
}

/** Returns the environment for a command that a test runs. With it, the command shares the test's claim. */
export function ofThisClaim(): Readonly<Record<string, string>> {
  return { [holderVariable]: String(holder()) };
}

/**
 * Returns the process that holds the claim. Each file of a test run is a separate process, so the common parent of
 * these processes holds the claim.
 */
function holder(): number {
  const named = process.env[holderVariable];
  if (named !== undefined) return Number(named);
  return process.env.NODE_TEST_CONTEXT?.startsWith('child') ? process.ppid : process.pid;
}
