// SPDX-License-Identifier: Apache-2.0
import { type Claim, takeClaim } from '../claim/take-claim.ts';
import { clusterFolder } from './layout.ts';

/** Names the process that a command claims the cluster for, where a test runs it; no flag of a command has it. */
const holderVariable = 'MACVTAP_TEST_CLUSTER_HOLDER';

/** A machine has one test cluster. Raises with who has it. */
export async function claimCluster(what: string, { takesKept }: { readonly takesKept: boolean }): Promise<Claim> {
  return await takeClaim({
    folder: `${clusterFolder}.claim`,
    what,
    claimed: 'the test cluster',
    remedy: 'npm run cluster -- down',
    takesKept,
    pid: holder(),
  });
}

/** For a command that is run in the middle of a test, as a part of it. */
export function ofThisClaim(): Readonly<Record<string, string>> {
  return { [holderVariable]: String(holder()) };
}

/** The files of a run of tests are processes that come one after another: between two of them it is nobody else's. */
function holder(): number {
  const named = process.env[holderVariable];
  if (named !== undefined) return Number(named);
  return process.env.NODE_TEST_CONTEXT?.startsWith('child') ? process.ppid : process.pid;
}
