// SPDX-License-Identifier: Apache-2.0
import type { NodeStateWriter } from './report-node-state.ts';

/** The same writer, of which somebody hears what came of each write that was not given up. */
export function observeWrites(
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
