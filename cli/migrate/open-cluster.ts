// SPDX-License-Identifier: Apache-2.0
import { emptySnapshot } from '../../cluster/snapshot.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Progress } from '../output/progress.ts';
import { openView } from '../view/open-view.ts';
import type { View } from '../view/view.ts';
import type { ViewFlags } from '../view/view-flags.ts';

interface OpenFlags extends ViewFlags {
  readonly filename: string | undefined;
  readonly unproved: boolean;
}

/**
 * The cluster that the proof is about. A file whose policies need no proof is migrated where there is none, too: then it is
 * an empty one, and `tell` is told why. Raises what `openView` raises.
 */
export async function openCluster(flags: OpenFlags, progress: Progress, tell: (line: string) => void): Promise<View> {
  const { filename, unproved, kubeconfig, context, 'installation-namespace': policyNamespace } = flags;
  try {
    return await openView(flags, progress);
  } catch (thrown) {
    const isNamed = kubeconfig !== undefined || context !== undefined;
    const { code, message } = MacvtapError.from(thrown);
    if (filename === undefined || !unproved || isNamed || code !== 'ApiServerUnknown') throw thrown;
    tell(`no cluster is looked at: ${message}`);
    return {
      where: 'no cluster',
      policyNamespace,
      snapshot: emptySnapshot,
      faults: [],
      missing: [],
      client: undefined,
      list: async () => [],
      async [Symbol.asyncDispose]() {},
    };
  }
}
