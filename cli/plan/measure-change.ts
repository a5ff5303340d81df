// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { FlagValues } from '../../runtime/flags.ts';
import type { LintInput } from '../lint/read-inputs.ts';
import { requireNode } from '../status/node-flag.ts';
import type { View } from '../view/view.ts';
import { applyChange } from './apply-change.ts';
import { compareSnapshots, type PlanChanges } from './compare-snapshots.ts';
import { findExposure, type planningFlags } from './exposure.ts';
import { readChange } from './read-change.ts';
import { readDeletions } from './read-deletions.ts';

interface ChangeOptions extends FlagValues<typeof planningFlags> {
  readonly namespace: string;
  readonly delete: readonly string[];
  readonly node: string | undefined;
}

/** Without these a comparison would tell of a cluster that is not there. */
const needed = ['Nodes', 'MacvtapNetworkNodePolicies', 'MacvtapNetworkNodeStates'];

/**
 * What files and deletions would change. Raises ManifestsUnreadable and InvalidFlags for what they are, ApiServerRefused
 * where too little of the cluster may be read.
 */
export async function measureChange(
  view: View,
  inputs: readonly LintInput[],
  options: ChangeOptions,
): Promise<{
  readonly changes: PlanChanges;
  /** Whether neither files nor deletions have anything that plans rest on. */
  readonly isAboutNothing: boolean;
}> {
  const { policyNamespace, snapshot } = view;
  const lacking = view.missing.filter(({ what }) => needed.includes(what));
  if (lacking.length > 0) {
    const parts = lacking.map(({ what, message }) => `${what}: ${message}`).join('\n  ');
    throw new MacvtapError('ApiServerRefused', `what would change cannot be told:\n  ${parts}`);
  }
  requireNode(view, options.node);
  const written = readChange(inputs, { policyNamespace, namespace: options.namespace });
  const deleted = readDeletions(options.delete, snapshot, policyNamespace);
  const exposure = await findExposure(options, view);
  return {
    changes: compareSnapshots(snapshot, applyChange(snapshot, written, deleted), exposure, options.node),
    isAboutNothing: options.delete.length === 0 && written.policies.length === 0 && written.explicit === undefined,
  };
}
