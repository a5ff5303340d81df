// SPDX-License-Identifier: Apache-2.0
import type { LeaseKeeper } from '../cluster/lease/keep-lease.ts';
import type { LiveSource } from '../cluster/source.ts';
import type { WebhookConfig } from './config.ts';
import type { createNotices } from './notices.ts';

export interface LeaderOptions {
  readonly config: Pick<WebhookConfig, 'namespace' | 'lease-name'>;
  readonly source: LiveSource;
  readonly tell: Pick<
    ReturnType<typeof createNotices>,
    'leader' | 'lease' | 'duty' | 'policyStatus' | 'failedPolicyStatus' | 'statuses'
  >;
  /** Gives the Lease back at once, before the process drains. */
  readonly signal: AbortSignal;
}

/**
 * Stands for the Lease whose holder alone writes what is told of the cluster as a whole, and writes it while it is held: the
 * status of policies. Undefined with a directory of manifests: there nobody has replicas, and the files are their
 * author's.
 */
export async function openLeader({ config, source, tell, signal }: LeaderOptions): Promise<LeaseKeeper | undefined> {
  if (source.origin.kind !== 'cluster') return undefined;
  const { client } = source.origin;
  const { namespace, 'lease-name': name } = config;
  // On need: what reads a directory alone pays for none of it.
  const [{ standForLease }, { keepPolicyStatus }] = await Promise.all([
    import('../cluster/lease/stand-for-lease.ts'),
    import('../cluster/report/keep-policy-status.ts'),
  ]);
  const leader = standForLease({
    client,
    namespace,
    name,
    signal,
    onHolder: tell.leader,
    onState: tell.lease,
    onBug: tell.duty,
  });
  const status = {
    client,
    source,
    policyNamespace: namespace,
    onWritten: tell.policyStatus,
    onFailed: tell.failedPolicyStatus,
    onState: tell.statuses,
  };
  leader.whileHeld((term) => keepPolicyStatus(status, term));
  return leader;
}
