// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { replaceFile } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { SourceOrigin } from '../source.ts';
import type { NodeStateStatus } from './build-node-state.ts';
import type { NodeStateWriter } from './report-node-state.ts';

const kind = 'MacvtapNetworkNodeState';

/**
 * Writes a node's state as a file beside the manifests. Where a person has written that node's state already, theirs
 * counts: ours is removed, since an object that stands twice is a fault, and NodeStateNotOurs says so. The file is made
 * for all to read: the webhook may run as somebody else.
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
        throw new MacvtapError(
          'NodeStateNotOurs',
          `the state of node ${node} stands in ${theirs}, and is left as it is`,
        );
      }
      const text = toText(node, status);
      const before = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== before) await replaceFile(path, text);
    },
  };
}

function toText(name: string, status: NodeStateStatus): string {
  const object = { apiVersion: 'macvtap.network.kubevirt.io/v1alpha1', kind, metadata: { name }, status };
  return `# Written by the node plugin of ${name}; whatever is changed here is overwritten.\n${stringify(object)}`;
}
