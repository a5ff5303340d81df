// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { replaceFile } from '../../../runtime/atomic-file.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { refused } from '../../api/api-errors.ts';
import { acceptFor, isApiObject } from '../../api/api-resource.ts';
import type { ApiClient } from '../../api/client.ts';
import type { SourceOrigin } from '../../source.ts';
import type { NodeStateStatus } from './build-node-state.ts';

/** Writes the state of one node to the place where users and the webhook read it. */
export interface NodeStateWriter {
  /**
   * Writes the status. Set `thorough` if the object may have been changed or deleted since the last write. Raises an
   * error if the write fails.
   */
  write(status: NodeStateStatus, options: { readonly thorough: boolean; readonly signal: AbortSignal }): Promise<void>;
}

/** Returns a writer to the place that the source reads: the API server or a directory. */
export function openNodeStateWriter(origin: SourceOrigin, node: string): NodeStateWriter {
  return origin.kind === 'cluster' ? createApiWriter(origin.client, node) : createFileWriter(origin, node);
}

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const kind = 'MacvtapNetworkNodeState';

/**
 * Creates a writer that uses server-side apply, which needs no read and has no version conflicts. The object names the
 * Node's UID as its owner, so that it is garbage-collected when the Node is deleted. A recreated Node has a new UID. A
 * thorough write therefore updates the owner, so that the object is not garbage-collected because of the old UID.
 */
export function createApiWriter(client: ApiClient, node: string): NodeStateWriter {
  const path = `/apis/${apiVersion}/macvtapnetworknodestates/${encodeURIComponent(node)}`;
  const head = { apiVersion, kind };

  const apply = (target: string, body: object, signal: AbortSignal) =>
    client.request('PATCH', `${target}?${query}`, body, {
      accept,
      contentType: 'application/apply-patch+yaml',
      signal,
    });
  const ensure = async (signal: AbortSignal): Promise<void> => {
    const uid = await readNodeUID(client, node, signal);
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node, uid }];
    const answer = await apply(path, { ...head, metadata: { name: node, ownerReferences } }, signal);
    if (answer.status >= 300) throw refused(`apply ${kind} ${node}`, answer);
  };
  return {
    async write(status, { thorough, signal }) {
      if (thorough) await ensure(signal);
      const applyStatus = () => apply(`${path}/status`, { ...head, metadata: { name: node }, status }, signal);
      let answer = await applyStatus();
      if (answer.status === 404) {
        await ensure(signal);
        answer = await applyStatus();
      }
      if (answer.status >= 300) throw refused(`apply the status of ${kind} ${node}`, answer);
    },
  };
}

/**
 * Asks for only the metadata in responses, because nothing reads the rest. This saves the API server from encoding the
 * state of every node after an edit.
 */
const accept = acceptFor({ metadataOnly: true }, 'get');

/** The field manager of node states. No other client should write them, so `force` overwrites manual edits. */
const query = new URLSearchParams({ fieldManager: 'kube-macvtap-nodeplugin', force: 'true' });

/** Returns the UID of a Node. Raises `ApiServerRefused` and the errors of the client. */
export async function readNodeUID(client: ApiClient, node: string, signal: AbortSignal): Promise<string> {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
  const answer = await client.request('GET', path, undefined, { accept, signal });
  if (answer.status !== 200 || !isApiObject(answer.body)) throw refused(`GET Node ${node}`, answer);
  return String(answer.body.metadata.uid);
}

/**
 * Creates a writer to a file next to the manifests. If a user's file already contains the state of the node, that file
 * counts. The writer then removes its own file, because a duplicate object is an error, and raises NodeStateNotOurs.
 * All users may read the file, because the webhook may run as another user.
 */
export function createFileWriter(
  { directory, placesOf }: Extract<SourceOrigin, { kind: 'manifests' }>,
  node: string,
): NodeStateWriter {
  const name = `${kind.toLowerCase()}-${encodeURIComponent(node)}.yaml`;
  const path = join(directory, name);
  return {
    async write(status) {
      const theirs = placesOf(`${kind} ${node}`).find((place) => !place.startsWith(`${name},`));
      if (theirs !== undefined) {
        await rm(path, { force: true });
        const text = `the state of node ${node} is in ${theirs}, so the node plugin does not write it; remove it there`;
        throw new MacvtapError('NodeStateNotOurs', text);
      }
      const text = toText(node, status);
      const before = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== before) await replaceFile(path, text);
    },
  };
}

function toText(name: string, status: NodeStateStatus): string {
  const object = { apiVersion, kind, metadata: { name }, status };
  return `# Written by the node plugin of ${name}; edits are overwritten.\n${stringify(object)}`;
}

/** Wraps a writer, and calls `onWrite` with the outcome of each write that was not aborted. */
export function reportWriteOutcomes(
  writer: NodeStateWriter,
  onWrite: (outcome: 'written' | 'failed') => void,
): NodeStateWriter {
  return {
    async write(status, options) {
      try {
        await writer.write(status, options);
      } catch (thrown) {
        if (!options.signal.aborted) onWrite('failed');
        throw thrown;
      }
      onWrite('written');
    },
  };
}
