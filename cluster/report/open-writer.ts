// SPDX-License-Identifier: Apache-2.0
import type { SourceOrigin } from '../source.ts';
import { createApiWriter } from './api-writer.ts';
import { createFileWriter } from './file-writer.ts';
import type { NodeStateWriter } from './report-node-state.ts';

/** Writes a node's state to where its source is read from. */
export function openNodeStateWriter(origin: SourceOrigin, node: string): NodeStateWriter {
  return origin.kind === 'cluster' ? createApiWriter(origin.client, node) : createFileWriter(origin, node);
}
