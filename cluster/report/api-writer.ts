// SPDX-License-Identifier: Apache-2.0
import { isApiObject } from '../api/api-object.ts';
import type { ApiClient } from '../api/client.ts';
import { refused } from '../api/refused.ts';
import type { NodeStateWriter } from './report-node-state.ts';

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const kind = 'MacvtapNetworkNodeState';

/**
 * Writes a node's state to the API server: by server-side apply, so that there is no version to conflict about and
 * nothing to read before. The object belongs to the Node, by its UID, and goes with it; a Node that was made anew has
 * another UID, and an object that still belongs to the old one would be collected.
 */
export function createApiWriter(client: ApiClient, node: string): NodeStateWriter {
  const path = `/apis/${apiVersion}/macvtapnetworknodestates/${encodeURIComponent(node)}`;
  const head = { apiVersion, kind };

  const apply = (target: string, body: object, signal: AbortSignal) =>
    client.request('PATCH', `${target}?${query}`, body, { contentType: 'application/apply-patch+yaml', signal });
  const ensure = async (signal: AbortSignal): Promise<void> => {
    const uid = await readUID(client, node, signal);
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node, uid }];
    const answer = await apply(path, { ...head, metadata: { name: node, ownerReferences } }, signal);
    if (answer.status >= 300) throw refused(`apply ${kind} ${node}`, answer);
  };
  return {
    async write(status, { thorough, signal }) {
      if (thorough) await ensure(signal);
      const body = { ...head, metadata: { name: node }, status };
      let answer = await apply(`${path}/status`, body, signal);
      if (answer.status === 404) {
        await ensure(signal);
        answer = await apply(`${path}/status`, body, signal);
      }
      if (answer.status >= 300) throw refused(`apply the status of ${kind} ${node}`, answer);
    },
  };
}

/** Nobody else writes these fields; whoever did by hand loses them. */
const query = new URLSearchParams({ fieldManager: 'kube-macvtap-nodeplugin', force: 'true' });

async function readUID(client: ApiClient, node: string, signal: AbortSignal): Promise<string> {
  const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
  const answer = await client.request('GET', `/api/v1/nodes/${encodeURIComponent(node)}`, undefined, {
    accept,
    signal,
  });
  if (answer.status !== 200 || !isApiObject(answer.body)) throw refused(`GET Node ${node}`, answer);
  return String(answer.body.metadata.uid);
}
