// SPDX-License-Identifier: Apache-2.0
import type { LeaseKeeper } from '../cluster/lease/keep-lease.ts';
import type { LiveSource } from '../cluster/source.ts';
import type { WebhookConfig } from './config.ts';
import type { createNotices } from './notices.ts';

export interface LeaderOptions {
  readonly config: Pick<WebhookConfig, 'namespace' | 'lease-name'>;
  readonly source: Pick<LiveSource, 'origin'>;
  readonly tell: Pick<ReturnType<typeof createNotices>, 'leader' | 'lease' | 'duty'>;
  /** Gives the Lease back at once, before the process drains. */
  readonly signal: AbortSignal;
}

/**
 * Stands for the Lease whose holder alone writes what is told of the cluster as a whole. Undefined with a directory of
 * manifests: there nobody has replicas, and the files are their author's.
 */
export async function openLeader({ config, source, tell, signal }: LeaderOptions): Promise<LeaseKeeper | undefined> {
  if (source.origin.kind !== 'cluster') return undefined;
  // On need: what reads a directory alone pays for none of it.
  const { standForLease } = await import('../cluster/lease/stand-for-lease.ts');
  return standForLease({
    client: source.origin.client,
    namespace: config.namespace,
    name: config['lease-name'],
    signal,
    onHolder: tell.leader,
    onState: tell.lease,
    onBug: tell.duty,
  });
}
