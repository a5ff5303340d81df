// SPDX-License-Identifier: Apache-2.0
import type { PolicyStatus } from '../../policy/status/decide-status.ts';
import type { ApiClient } from '../api/client.ts';
import { refused } from '../api/refused.ts';
import { policyStatusPath } from '../api/watched-kinds.ts';

/** Whose status it is: a policy that was made anew under the same name is another one. */
interface StatusOwner {
  /** `namespace/name`. */
  readonly id: string;
  readonly uid: string;
}

/** `gone`: the policy is not there any more, or is another one. Raises ApiServerRefused and what the client raises. */
export type WriteStatus = (
  owner: StatusOwner,
  status: PolicyStatus,
  signal: AbortSignal,
) => Promise<'written' | 'gone'>;

/**
 * Writes by server-side apply: there is no version to conflict about, what we no longer say is removed, and nobody else's
 * field of the policy has us for an owner.
 */
export function createStatusWriter(client: ApiClient): WriteStatus {
  return async ({ id, uid }, status, signal) => {
    const [namespace = '', name = ''] = id.split('/');
    const body = {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name, namespace, uid },
      status,
    };
    const options = { contentType: 'application/apply-patch+yaml', signal };
    const answer = await client.request('PATCH', `${policyStatusPath(namespace, name)}?${query}`, body, options);
    // 409: the UID is another one; there is nothing else to conflict about.
    if (answer.status === 404 || answer.status === 409) return 'gone';
    if (answer.status >= 300) throw refused(`apply the status of MacvtapNetworkNodePolicy ${id}`, answer);
    return 'written';
  };
}

/** A manager of its own, since it owns other fields than who writes certificates. Whoever wrote by hand loses them. */
const query = new URLSearchParams({ fieldManager: 'kube-macvtap-status', force: 'true' });
