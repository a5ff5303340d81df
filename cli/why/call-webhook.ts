// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from '../../cluster/api/client.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { collectionPath } from '../view/object-kinds.ts';
import type { MissingPart } from '../view/view.ts';
import { textIn } from './fields.ts';

/** A policy that is judged and never stored, and that selects no node. */
const probe = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'kubectl-macvtap-why' },
  spec: {
    parentSelector: [{ parentIface: 'none', resourceName: 'none' }],
    nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'kubectl-macvtap-why' } },
  },
} as const;

/** Two webhooks are called one after the other, and the chart gives each ten seconds. */
const timeoutMs = 30_000;

/**
 * Has the API server call the webhook, by a policy that it is to judge but not to store (dryRun): whether the certificate is
 * believed and somebody answers only the API server can tell. An empty text where it answered.
 */
export async function callWebhook(
  client: Pick<ApiClient, 'request'>,
  namespace: string,
): Promise<{ readonly call: string | undefined; readonly missing?: MissingPart }> {
  const path = collectionPath('macvtapnetworknodepolicies', namespace);
  const untold = (message: string) => ({ call: undefined, missing: { what: 'webhook', message } });
  try {
    const { status, body } = await client.request('POST', `${path}?dryRun=All`, probe, { timeoutMs });
    const said = textIn(body, 'message') ?? '';
    if (status < 300 || /admission webhook .* denied the request/.test(said)) return { call: '' };
    if (said.includes('failed calling webhook')) return { call: said.replace(preamble, '').slice(0, longestText) };
    if (status !== 403) return untold(`${status}: ${said}`);
    return untold(`the right to create macvtapnetworknodepolicies in the namespace ${namespace} is missing`);
  } catch (thrown) {
    const { code, message } = MacvtapError.from(thrown);
    if (code !== 'DeadlineExceeded') throw thrown;
    return untold(message);
  }
}

const preamble = /^Internal error occurred: /;
const longestText = 400;
